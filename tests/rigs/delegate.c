/* A TFLite external delegate that takes no operator: it shows that it was asked, and fails when told to.
 *   gcc -shared -fPIC -o delegate.so delegate.c
 * Options: log=FILE adds a line for each graph that it is shown, fail=create or fail=prepare.
 * The struct is TfLiteDelegate of tensorflow/lite/core/c/common.h. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct Delegate {
  void *data;
  int (*prepare)(void *context, struct Delegate *self);
  void *copy_from, *copy_to, *free_handle;
  int64_t flags;
  void *opaque_builder;
  char log[4096];
  int fails;
} Delegate;

static int prepare(void *context, Delegate *self) {
  (void)context;
  FILE *log = self->log[0] ? fopen(self->log, "a") : NULL;
  if (log) {
    fputs(self->fails ? "refused\n" : "prepared\n", log);
    fclose(log);
  }
  return self->fails; /* kTfLiteOk is 0, kTfLiteError is 1 */
}

Delegate *tflite_plugin_create_delegate(char **keys, char **values, size_t count, void (*report)(const char *)) {
  Delegate *self = calloc(1, sizeof *self);
  self->prepare = prepare;
  for (size_t i = 0; i < count; i++) {
    if (!strcmp(keys[i], "log")) snprintf(self->log, sizeof self->log, "%s", values[i]);
    if (!strcmp(keys[i], "fail") && !strcmp(values[i], "prepare")) self->fails = 1;
    if (!strcmp(keys[i], "fail") && !strcmp(values[i], "create")) {
      report("no accelerator is plugged in");
      free(self);
      return NULL;
    }
  }
  return self;
}

void tflite_plugin_destroy_delegate(Delegate *self) { free(self); }
