/* A V4L2 webcam in an LD_PRELOAD, so that OpenCV's real V4L2 backend can be tested where the kernel has no camera.
 *
 *   gcc -O2 -shared -fPIC -o virtual_camera.so virtual_camera.c -ldl
 *   LD_PRELOAD=./virtual_camera.so VCAM_FILE=clip.mjpeg VCAM_CONTROL=control python ...
 *
 * VCAM_FILE     concatenated JPEGs, played in a loop
 * VCAM_DEVICE   the path that becomes the camera (/dev/video0)
 * VCAM_FPS, VCAM_WIDTH, VCAM_HEIGHT   30, 640, 480
 * VCAM_CONTROL  a file whose first word is read at every call: ok, stall, unplug or corrupt
 *
 * The descriptor is a timerfd, so select() and poll() really wait; buffers live in a memfd; only MJPG is offered.
 * As with a driver, a buffer queued at tick T is filled by tick T+1; with no buffer queued a frame is dropped.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/videodev2.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define MAX_BUFFERS 32
#define BUFFER_SIZE (1024 * 1024)

static int timer_fd = -1, memory_fd = -1, buffer_count, streaming, unplugged;
static char *buffers;
static int queue[MAX_BUFFERS], queued;
static long fill_tick[MAX_BUFFERS], last_fill_tick;
static struct timespec started;
static double fps = 30;
static int width = 640, height = 480;
static uint8_t *clip;
static size_t clip_size, *image_at;
static unsigned image_count;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static const char *setting(const char *name, const char *otherwise) {
  const char *value = getenv(name);
  return value ? value : otherwise;
}

static int told_to(const char *what) {
  const char *path = getenv("VCAM_CONTROL");
  char word[16] = {0};
  if (!path) return 0;
  int fd = syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return 0;
  ssize_t size = read(fd, word, sizeof word - 1);
  syscall(SYS_close, fd);
  return size > 0 && !strncmp(word, what, strlen(what));
}

static long tick(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (long)(((now.tv_sec - started.tv_sec) + (now.tv_nsec - started.tv_nsec) / 1e9) * fps);
}

static void run_timer(int on) {
  struct itimerspec period = {0};
  if (on) {
    period.it_interval.tv_sec = (time_t)(1 / fps);
    period.it_interval.tv_nsec = (long)((1 / fps - (time_t)(1 / fps)) * 1e9);
    period.it_value = period.it_interval;
  }
  timerfd_settime(timer_fd, 0, &period, NULL);
}

static void load_clip(void) {
  struct stat info;
  if (clip) return;
  int fd = syscall(SYS_openat, AT_FDCWD, setting("VCAM_FILE", "clip.mjpeg"), O_RDONLY | O_CLOEXEC);
  if (fd < 0 || fstat(fd, &info)) {
    perror("VCAM_FILE");
    return;
  }
  clip_size = info.st_size;
  clip = (uint8_t *)syscall(SYS_mmap, NULL, clip_size, PROT_READ, MAP_PRIVATE, fd, 0);
  syscall(SYS_close, fd);
  image_at = malloc(sizeof(size_t) * (clip_size / 200 + 2));
  for (size_t i = 0; i + 2 < clip_size; i++)
    if (clip[i] == 0xFF && clip[i + 1] == 0xD8 && clip[i + 2] == 0xFF) image_at[image_count++] = i;
  image_at[image_count] = clip_size;
  fps = atof(setting("VCAM_FPS", "30"));
  width = atoi(setting("VCAM_WIDTH", "640"));
  height = atoi(setting("VCAM_HEIGHT", "480"));
}

static int open_camera(void) {
  unplugged = 0;
  if (told_to("unplug")) {
    errno = ENOENT;
    return -1;
  }
  load_clip();
  if (!image_count || timer_fd >= 0) { /* one program at a time, as with a real camera */
    errno = image_count ? EBUSY : ENODEV;
    return -1;
  }
  timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
  memory_fd = memfd_create("virtual camera", MFD_CLOEXEC);
  if (ftruncate(memory_fd, (off_t)MAX_BUFFERS * BUFFER_SIZE)) return -1;
  buffers = (char *)syscall(SYS_mmap, NULL, (size_t)MAX_BUFFERS * BUFFER_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED,
                            memory_fd, 0);
  buffer_count = queued = streaming = 0;
  last_fill_tick = 0;
  return timer_fd;
}

static void fill_format(struct v4l2_format *format) {
  format->fmt.pix.width = width;
  format->fmt.pix.height = height;
  format->fmt.pix.pixelformat = V4L2_PIX_FMT_MJPEG;
  format->fmt.pix.field = V4L2_FIELD_NONE;
  format->fmt.pix.bytesperline = 0;
  format->fmt.pix.sizeimage = BUFFER_SIZE;
  format->fmt.pix.colorspace = V4L2_COLORSPACE_JPEG;
}

static int refuse(int error) {
  errno = error;
  return -1;
}

static int describe(struct v4l2_capability *capability) {
  memset(capability, 0, sizeof *capability);
  strcpy((char *)capability->driver, "virtual");
  strcpy((char *)capability->card, "virtual camera");
  strcpy((char *)capability->bus_info, "preload:0");
  capability->version = 0x60000;
  capability->device_caps = V4L2_CAP_VIDEO_CAPTURE | V4L2_CAP_STREAMING;
  capability->capabilities = capability->device_caps | V4L2_CAP_DEVICE_CAPS;
  return 0;
}

static int set_rate(struct v4l2_streamparm *parameters, int change) {
  struct v4l2_fract *period = &parameters->parm.capture.timeperframe;
  double wanted = period->numerator ? (double)period->denominator / period->numerator : 0;
  if (change && wanted >= 1 && wanted <= atof(setting("VCAM_FPS", "30"))) {
    fps = wanted;
    if (streaming) run_timer(1);
  }
  memset(&parameters->parm, 0, sizeof parameters->parm);
  parameters->parm.capture.capability = V4L2_CAP_TIMEPERFRAME;
  period->numerator = 1000;
  period->denominator = (unsigned)(fps * 1000);
  return 0;
}

static int queue_buffer(const struct v4l2_buffer *buffer) {
  if (buffer->index >= (unsigned)buffer_count || queued >= MAX_BUFFERS) return refuse(EINVAL);
  long fill = streaming ? tick() + 1 : 1;
  if (fill <= last_fill_tick) fill = last_fill_tick + 1;
  fill_tick[queued] = last_fill_tick = fill;
  queue[queued++] = buffer->index;
  return 0;
}

static int start_streaming(void) {
  streaming = 1;
  clock_gettime(CLOCK_MONOTONIC, &started);
  last_fill_tick = 0;
  for (int i = 0; i < queued; i++) fill_tick[i] = ++last_fill_tick;
  run_timer(1);
  return 0;
}

static int give_buffer(struct v4l2_buffer *buffer) {
  uint64_t expirations;
  if (told_to("stall")) {
    run_timer(0);
    return refuse(EAGAIN);
  }
  if (read(timer_fd, &expirations, sizeof expirations) < 0 && errno != EAGAIN) return -1;
  if (!queued || fill_tick[0] > tick()) return refuse(EAGAIN);
  int index = queue[0];
  long filled = fill_tick[0];
  queued--;
  memmove(queue, queue + 1, queued * sizeof *queue);
  memmove(fill_tick, fill_tick + 1, queued * sizeof *fill_tick);
  unsigned image = (unsigned)((filled - 1) % image_count);
  size_t size = image_at[image + 1] - image_at[image];
  if (size > BUFFER_SIZE) size = BUFFER_SIZE;
  memcpy(buffers + (size_t)index * BUFFER_SIZE, clip + image_at[image], size);
  if (told_to("corrupt")) memset(buffers + (size_t)index * BUFFER_SIZE, 0, size / 2);
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  uint32_t type = buffer->type, memory = buffer->memory;
  memset(buffer, 0, sizeof *buffer);
  buffer->type = type;
  buffer->memory = memory;
  buffer->index = index;
  buffer->bytesused = size;
  buffer->length = BUFFER_SIZE;
  buffer->m.offset = index * BUFFER_SIZE;
  buffer->sequence = (unsigned)filled;
  buffer->field = V4L2_FIELD_NONE;
  buffer->flags = V4L2_BUF_FLAG_TIMESTAMP_MONOTONIC;
  buffer->timestamp.tv_sec = now.tv_sec;
  buffer->timestamp.tv_usec = now.tv_nsec / 1000;
  return 0;
}

static int list_formats(struct v4l2_fmtdesc *format) {
  if (format->index) return refuse(EINVAL);
  format->flags = V4L2_FMT_FLAG_COMPRESSED;
  strcpy((char *)format->description, "Motion-JPEG");
  format->pixelformat = V4L2_PIX_FMT_MJPEG;
  return 0;
}

static int list_inputs(struct v4l2_input *input) {
  if (input->index) return refuse(EINVAL);
  memset(input, 0, sizeof *input);
  strcpy((char *)input->name, "camera");
  input->type = V4L2_INPUT_TYPE_CAMERA;
  return 0;
}

static int request_buffers(struct v4l2_requestbuffers *request) {
  if (request->memory != V4L2_MEMORY_MMAP) return refuse(EINVAL);
  if (request->count > MAX_BUFFERS) request->count = MAX_BUFFERS;
  buffer_count = request->count;
  queued = 0;
  return 0;
}

static int describe_buffer(struct v4l2_buffer *buffer) {
  if (buffer->index >= (unsigned)buffer_count) return refuse(EINVAL);
  buffer->length = BUFFER_SIZE;
  buffer->m.offset = buffer->index * BUFFER_SIZE;
  buffer->flags = 0;
  return 0;
}

static int control_camera(unsigned long request, void *argument) {
  request &= 0xffffffff;
  if (unplugged || told_to("unplug")) { /* as in the kernel: this descriptor never comes back */
    unplugged = 1;
    return refuse(ENODEV);
  }
  switch (request) {
    case VIDIOC_QUERYCAP: return describe(argument);
    case VIDIOC_ENUMINPUT: return list_inputs(argument);
    case VIDIOC_G_INPUT: *(int *)argument = 0; return 0;
    case VIDIOC_S_INPUT: return *(int *)argument ? refuse(EINVAL) : 0;
    case VIDIOC_ENUM_FMT: return list_formats(argument);
    case VIDIOC_G_FMT:
    case VIDIOC_S_FMT:
    case VIDIOC_TRY_FMT: fill_format(argument); return 0;
    case VIDIOC_G_PARM: return set_rate(argument, 0);
    case VIDIOC_S_PARM: return set_rate(argument, 1);
    case VIDIOC_REQBUFS: return request_buffers(argument);
    case VIDIOC_QUERYBUF: return describe_buffer(argument);
    case VIDIOC_QBUF: return queue_buffer(argument);
    case VIDIOC_DQBUF: return give_buffer(argument);
    case VIDIOC_STREAMON: return start_streaming();
    case VIDIOC_STREAMOFF:
      streaming = queued = 0;
      run_timer(0);
      return 0;
  }
  return refuse((request >> 8 & 0xff) == 'V' ? EINVAL : ENOTTY);
}

/* The calls of the C library that are taken over; every other file passes through. */

#define TAKE_OVER_OPEN(name)                                                       \
  int name(const char *path, int flags, ...) {                                     \
    mode_t mode = 0;                                                               \
    if (flags & (O_CREAT | O_TMPFILE)) {                                           \
      va_list rest;                                                                \
      va_start(rest, flags);                                                       \
      mode = va_arg(rest, int);                                                    \
      va_end(rest);                                                                \
    }                                                                              \
    if (!strcmp(path, setting("VCAM_DEVICE", "/dev/video0"))) return open_camera(); \
    return syscall(SYS_openat, AT_FDCWD, path, flags, mode);                       \
  }
TAKE_OVER_OPEN(open)
TAKE_OVER_OPEN(open64)
TAKE_OVER_OPEN(__open_2)
TAKE_OVER_OPEN(__open64_2)

int close(int fd) {
  if (fd >= 0 && fd == timer_fd) {
    syscall(SYS_close, memory_fd);
    munmap(buffers, (size_t)MAX_BUFFERS * BUFFER_SIZE);
    timer_fd = memory_fd = -1;
  }
  return syscall(SYS_close, fd);
}

#define TAKE_OVER_MMAP(name)                                                                \
  void *name(void *address, size_t size, int protection, int flags, int fd, off_t offset) { \
    if (fd >= 0 && fd == timer_fd) fd = memory_fd;                                          \
    return (void *)syscall(SYS_mmap, address, size, protection, flags, fd, offset);         \
  }
TAKE_OVER_MMAP(mmap)
TAKE_OVER_MMAP(mmap64)

int ioctl(int fd, unsigned long request, ...) {
  va_list rest;
  va_start(rest, request);
  void *argument = va_arg(rest, void *);
  va_end(rest);
  if (fd < 0 || fd != timer_fd) return syscall(SYS_ioctl, fd, request, argument);
  pthread_mutex_lock(&lock);
  int result = control_camera(request, argument);
  pthread_mutex_unlock(&lock);
  return result;
}
