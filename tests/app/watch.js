// Watches what the live image really shows for some seconds: when it changed, and the clock in it.
async ([seconds, bits, side]) => {
  const canvas = new OffscreenCanvas(bits * side, 480);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  const small = new OffscreenCanvas(32, 24).getContext("2d", { willReadFrequently: true });
  const ages = [];
  let distinct = 0, last = "";
  const start = performance.now();
  while (performance.now() - start < seconds * 1000) {
    await new Promise(requestAnimationFrame);
    const image = document.querySelector("img.live-image"); // a rerun may have replaced it
    if (!image?.naturalWidth) continue;
    small.drawImage(image, 0, 0, 32, 24);
    const shown = small.getImageData(0, 0, 32, 24).data.join();
    if (shown === last) continue;
    last = shown;
    distinct++;
    context.drawImage(image, 0, 0, canvas.width, canvas.height);
    const row = context.getImageData(0, side / 2, canvas.width, 1).data;
    let clock = 0;
    for (let bit = 0; bit < bits; bit++) if (row[(bit * side + side / 2) * 4] > 127) clock += 2 ** bit;
    ages.push((Date.now() % 2 ** bits - clock + 2 ** bits) % 2 ** bits);
  }
  return { perSecond: distinct / ((performance.now() - start) / 1000), ages };
}
