// The limit: libmicrohttpd sending one ready buffer, until its standard input ends.
//
//   http_limit BYTES FILE       the port goes into FILE
#include "common.h"
#include <microhttpd.h>

static struct MHD_Response *ready;

static enum MHD_Result answer(void *cls, struct MHD_Connection *c, const char *url, const char *method,
                              const char *version, const char *data, size_t *size, void **state) {
    (void)cls, (void)url, (void)method, (void)version, (void)data, (void)size;
    // An answer at the first call, before the request's end, would close the connection.
    if (!*state) {
        *state = &ready;
        return MHD_YES;
    }
    return MHD_queue_response(c, 200, ready);
}

int main(int argc, char **argv) {
    if (argc != 3) return 2;
    size_t count = strtoull(argv[1], 0, 10);
    char *bytes = malloc(count);
    memset(bytes, 'x', count);
    ready = MHD_create_response_from_buffer(count, bytes, MHD_RESPMEM_PERSISTENT);
    struct sockaddr_in a = loopback(0);
    struct MHD_Daemon *d = MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD, 0, 0, 0, answer, 0, MHD_OPTION_SOCK_ADDR, &a,
                                            MHD_OPTION_THREAD_POOL_SIZE, 2u, MHD_OPTION_END);
    if (!d) die("MHD_start_daemon");
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(d, MHD_DAEMON_INFO_BIND_PORT);
    FILE *f = fopen(argv[2], "w");
    fprintf(f, "%d\n", info ? info->port : 0);
    fclose(f);
    while (getchar() != EOF) {}
    return 0;
}
