// A part of the page that updates itself: it fetches its HTML from the server and changes what differs, node by node.
// The page's script does not run for this, so nothing can race with it; it runs again only when the phase changes.
const FIRST_WAIT_MS = 50, SILENT_MS = 2000, SAY_EVERY_MS = 4000, CAPTURE_MS = 66, CAPTURE_WIDTH = 640;
const panes = new WeakMap();

export default function ({ data, parentElement, setTriggerValue }) {
  let pane = panes.get(parentElement);
  if (!pane) {
    pane = new Pane(parentElement);
    panes.set(parentElement, pane);
  }
  pane.take(data, setTriggerValue);
  return () => { pane.end(); panes.delete(parentElement); };
}

class Pane {
  constructor(parent) {
    this.root = parent.querySelector(".pane");
    this.speaker = parent.querySelector(".speaker");
    this.told = null;
    this.saidAt = 0;
    this.root.addEventListener("change", (event) => this.send(event.target));
    this.root.addEventListener("click", (event) => this.click(event));
    document.addEventListener("visibilitychange", this.look = () => document.hidden || this.wake?.());
  }

  take(data, trigger) {
    this.data = data;
    this.trigger = trigger;
    this.show(data.html);
    if (data.poll && !this.polling) this.poll();
    if (data.capture && !this.capturing) this.capture();
    if (!data.capture) this.release();
  }

  end() {
    this.ended = true;
    this.release();
    document.removeEventListener("visibilitychange", this.look);
  }

  show(html) {
    // Parse in a separate document, where nothing is loaded: images are fetched only where they are shown.
    morph(this.root, new DOMParser().parseFromString(html, "text/html").body);
    for (const image of this.root.querySelectorAll("img[data-poll]")) follow(image);
  }

  async poll() {
    this.polling = true;
    let heard = performance.now(), wait = FIRST_WAIT_MS;
    while (!this.ended && this.data.poll) {
      await new Promise((resolve) => { this.wake = resolve; setTimeout(resolve, wait); });
      if (this.ended || !this.data.poll) break;
      try {
        const answer = await fetch(this.data.poll, { cache: "no-store", signal: AbortSignal.timeout(5000) });
        if (!answer.ok) throw new Error(answer.status);
        this.hear(await answer.json());
        heard = performance.now();
      } catch {
        if (performance.now() - heard > SILENT_MS) this.root.classList.add("unheard");
      }
      wait = this.data.every_ms;
    }
    this.polling = false;
  }

  hear(state) {
    this.root.classList.remove("unheard");
    this.show(state.html);
    if (state.say !== this.said && performance.now() - this.saidAt > SAY_EVERY_MS) {
      this.speaker.textContent = this.said = state.say;
      this.saidAt = performance.now();
    }
    if (state.phase === this.data.phase) this.told = null;
    else if (state.phase !== this.told) this.trigger("phase", this.told = state.phase);
  }

  send(element) {
    const what = element.dataset?.send;
    if (what) this.trigger("said", { what, value: element.value });
  }

  click(event) {
    const link = event.target.closest("[data-png]");
    if (link) { event.preventDefault(); savePng(link.dataset.png, link.dataset.name); }
  }

  async capture() {
    this.capturing = true;
    try {
      const video = document.createElement("video");
      const size = { width: { ideal: CAPTURE_WIDTH }, height: { ideal: 480 } };
      this.stream = await navigator.mediaDevices.getUserMedia({ video: size });
      video.muted = video.playsInline = true;
      video.srcObject = this.stream;
      await video.play();
      while (!this.ended && this.data.capture && this.stream) await this.push(video);
    } catch (error) {
      if (!this.ended) this.trigger("said", { what: "camera", value: error.name ?? "NotFoundError" });
    }
    this.release();
    this.capturing = false;
  }

  async push(video) {
    const started = performance.now();
    const canvas = this.canvas ??= document.createElement("canvas");
    canvas.width = Math.min(CAPTURE_WIDTH, video.videoWidth);
    canvas.height = Math.round(canvas.width * video.videoHeight / video.videoWidth);
    canvas.getContext("2d").drawImage(video, 0, 0, canvas.width, canvas.height);
    const image = await new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", 0.85));
    await fetch(this.data.capture, { method: "POST", body: image, signal: AbortSignal.timeout(5000) }).catch(() => 0);
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, CAPTURE_MS - (performance.now() - started))));
  }

  release() {
    this.stream?.getTracks().forEach((track) => track.stop());
    this.stream = null;
  }
}

// Streamlit replaces a button if its label changes: move the keyboard's focus to the button in its place.
let focused = null, place = "";
document.addEventListener("focusin", ({ target }) => {
  const names = target.closest("[class*='st-key-']")?.classList ?? [];
  focused = target;
  place = [...names].find((name) => name.startsWith("st-key-")) ?? "";
});
setInterval(() => {
  if (!place || focused.isConnected || document.activeElement !== document.body) return;
  document.querySelector(`.${CSS.escape(place)} button`)?.focus();
}, 100);

// The second click of a double click would press the button that has come in the first one's place.
document.addEventListener("click", (event) => {
  if (event.detail > 1 && event.target.closest("[data-testid=stButton]")) event.stopPropagation();
}, true);

// Make `old` like `fresh`, but keep every node that can stay, so that focus, animations and streams survive.
function morph(old, fresh) {
  if (old !== document.activeElement || !("value" in old)) sync(old, fresh);
  const now = [...old.childNodes], then = [...fresh.childNodes];
  then.forEach((node, index) => {
    const other = now[index];
    if (!other) old.append(node);
    else if (other.nodeName !== node.nodeName || other.id !== node.id) other.replaceWith(node);
    else if (node.nodeType === Node.TEXT_NODE) { if (other.data !== node.data) other.data = node.data; }
    else morph(other, node);
  });
  now.slice(then.length).forEach((node) => node.remove());
}

function sync(old, fresh) {
  for (const { name, value } of fresh.attributes) {
    if (old.getAttribute(name) === value) continue;
    old.setAttribute(name, value);
    if (name === "value") old.value = value;
  }
  for (const { name } of [...old.attributes]) {
    if (!fresh.hasAttribute(name) && name !== "open" && !(name === "class" || name === "src")) old.removeAttribute(name);
  }
}

// An image that is fetched again and again, for proxies that hold streams back.
async function follow(image) {
  if (image.following) return;
  image.following = true;
  while (image.isConnected && image.dataset.poll) {
    image.src = `${image.dataset.poll}?${Date.now()}`;
    await image.decode().catch(() => 0);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  image.following = false;
}

async function savePng(svg, name) {
  const image = new Image();
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(svg)}`;
  await image.decode();
  const canvas = document.createElement("canvas");
  canvas.width = 2 * image.naturalWidth;
  canvas.height = 2 * image.naturalHeight;
  canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
  const link = document.createElement("a");
  link.href = canvas.toDataURL("image/png");
  link.download = name;
  link.click();
}
