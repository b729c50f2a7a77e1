// libwebsockets: processor time of a message in nanoseconds, `sequence` taken out of each.   receiver_lws PORT
#include "messages.h"
#include <libwebsockets.h>

static uint64_t messages, last;
static double began;
static int ended;

static int hear(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t count) {
    static char whole[4096];
    static size_t filled;
    (void)user;
    switch (reason) {
    case LWS_CALLBACK_CLIENT_RECEIVE: {
        const char *text = in;
        int is_last = lws_is_final_fragment(wsi) && lws_remaining_packet_payload(wsi) == 0;
        // A message that comes in pieces is put together first.
        if (!is_last || filled > 0) {
            if (filled + count > sizeof whole) return -1;
            memcpy(whole + filled, in, count);
            filled += count, text = whole, count = filled;
            if (!is_last) break;
            filled = 0;
        }
        uint64_t number = sequence(text, count);
        if (number) last = number;
        if (messages++ == 0) began = processor_ns();
        break;
    }
    case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
    case LWS_CALLBACK_CLIENT_CLOSED: ended = 1; break;
    default: break;
    }
    return 0;
}

int main(int argc, char **argv) {
    if (argc != 2) return 2;
    struct lws_protocols protocols[] = {{.name = "measured", .callback = hear, .rx_buffer_size = 65536}, {0}};
    struct lws_context_creation_info info = {0};
    info.port = CONTEXT_PORT_NO_LISTEN;
    info.protocols = protocols;
    info.pt_serv_buf_size = 65536;
    lws_set_log_level(LLL_ERR, NULL);
    struct lws_context *context = lws_create_context(&info);
    if (!context) return 1;
    struct lws_client_connect_info to = {0};
    to.context = context;
    to.address = to.host = to.origin = "127.0.0.1";
    to.port = atoi(argv[1]);
    to.path = "/";
    to.local_protocol_name = "measured";
    if (!lws_client_connect_via_info(&to)) return 1;
    while (!ended && lws_service(context, 0) >= 0) {}
    if (messages < 2) return fprintf(stderr, "receiver_lws: no messages came\n"), 1;
    printf("%.1f\n", (processor_ns() - began) / (messages - 1));
    fprintf(stderr, "receiver_lws: %lu messages, last %lu\n", (unsigned long)messages, (unsigned long)last);
    lws_context_destroy(context);
    return 0;
}
