#pragma once
// What libmicrohttpd offers as variadic functions or macros, in a form that Swift can call.
#include <errno.h>
#include <microhttpd.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>

// GnuTLS comes with libmicrohttpd (its development package depends on GnuTLS'). Only these functions are needed, so they
// are declared here, as in <gnutls/gnutls.h> and <gnutls/x509.h>, instead of importing the whole of it into Swift.
typedef struct gnutls_session_int *gnutls_session_t;
typedef struct gnutls_certificate_credentials_st *gnutls_certificate_credentials_t;
typedef struct gnutls_priority_st *gnutls_priority_t;
typedef struct gnutls_x509_crt_int *gnutls_x509_crt_t;
typedef struct cmicrohttpd_datum {
    unsigned char *data;
    unsigned int size;
} cmicrohttpd_datum;
struct cmicrohttpd_typed_data {
    unsigned int type;
    unsigned char *data;
    unsigned int size;
};
const char *gnutls_strerror(int error);
int gnutls_certificate_allocate_credentials(gnutls_certificate_credentials_t *credentials);
void gnutls_certificate_free_credentials(gnutls_certificate_credentials_t credentials);
int gnutls_certificate_set_x509_key_mem(gnutls_certificate_credentials_t credentials, const cmicrohttpd_datum *certificate,
                                        const cmicrohttpd_datum *key, unsigned int format);
int gnutls_certificate_set_x509_trust_mem(gnutls_certificate_credentials_t credentials,
                                          const cmicrohttpd_datum *authorities, unsigned int format);
int gnutls_certificate_set_x509_system_trust(gnutls_certificate_credentials_t credentials);
int gnutls_priority_init(gnutls_priority_t *cache, const char *priorities, const char **mistake);
void gnutls_priority_deinit(gnutls_priority_t cache);
int gnutls_priority_set(gnutls_session_t session, gnutls_priority_t cache);
int gnutls_credentials_set(gnutls_session_t session, unsigned int kind, void *credentials);
void gnutls_certificate_server_set_request(gnutls_session_t session, unsigned int request);
void gnutls_session_set_verify_function(gnutls_session_t session, int (*function)(gnutls_session_t));
// The pointer is for a store of resumed sessions, which nobody here has: it tells the verify function its policy.
void gnutls_db_set_ptr(gnutls_session_t session, void *pointer);
void *gnutls_db_get_ptr(gnutls_session_t session);
const cmicrohttpd_datum *gnutls_certificate_get_peers(gnutls_session_t session, unsigned int *count);
void *gnutls_session_get_ptr(gnutls_session_t session);
void gnutls_transport_set_ptr2(gnutls_session_t session, void *receiving, void *sending);
void gnutls_transport_set_pull_function(gnutls_session_t session, ssize_t (*pull)(void *, void *, size_t));
void gnutls_handshake_set_hook_function(gnutls_session_t session, unsigned int message, int when,
                                        int (*hook)(gnutls_session_t, unsigned int, unsigned int, unsigned int,
                                                    const cmicrohttpd_datum *));
int gnutls_certificate_verify_peers(gnutls_session_t session, struct cmicrohttpd_typed_data *data, unsigned int elements,
                                    unsigned int *status);
int gnutls_x509_crt_init(gnutls_x509_crt_t *certificate);
void gnutls_x509_crt_deinit(gnutls_x509_crt_t certificate);
int gnutls_x509_crt_import(gnutls_x509_crt_t certificate, const cmicrohttpd_datum *data, unsigned int format);
int gnutls_x509_crt_get_subject_alt_name(gnutls_x509_crt_t certificate, unsigned int index, void *name, size_t *size,
                                         unsigned int *critical);

// 1 where the client's certificate is signed by one of the authorities, and made for clients.
static inline int cmicrohttpd_client_is_verified(gnutls_session_t session) {
    // GNUTLS_DT_KEY_PURPOSE_OID with GNUTLS_KP_TLS_WWW_CLIENT.
    struct cmicrohttpd_typed_data purpose = {2, (unsigned char *)"1.3.6.1.5.5.7.3.2", 0};
    unsigned int status = 1;
    return gnutls_certificate_verify_peers(session, &purpose, 1, &status) == 0 && status == 0;
}

// What a TLS session reads from, and who is told when there is nothing to read yet.
struct cmicrohttpd_transport {
    int descriptor;
    void (*starve)(void *context);
    void *context;
};

static ssize_t cmicrohttpd_pull(void *transport, void *data, size_t size) {
    struct cmicrohttpd_transport *from = (struct cmicrohttpd_transport *)transport;
    ssize_t count = recv(from->descriptor, data, size, 0);
    if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
        from->starve(from->context);
        errno = EAGAIN;
    }
    return count;
}

// Reads through `transport`, which must outlive the session; writes to its descriptor as before.
static inline void cmicrohttpd_set_transport(gnutls_session_t session, struct cmicrohttpd_transport *transport) {
    gnutls_transport_set_ptr2(session, transport, (void *)(intptr_t)transport->descriptor);
    gnutls_transport_set_pull_function(session, &cmicrohttpd_pull);
}

// Where log lines go. libmicrohttpd gives a va_list, which no Swift function should take: it is formatted here.
struct cmicrohttpd_log_target {
    void (*write)(void *context, const char *line);
    void *context;
};

static void cmicrohttpd_format_log(void *target, const char *format, va_list arguments) {
    char line[512];
    vsnprintf(line, sizeof line, format, arguments);
    struct cmicrohttpd_log_target *log = (struct cmicrohttpd_log_target *)target;
    log->write(log->context, line);
}

// The value of MHD_OPTION_EXTERNAL_LOGGER in an option array.
static inline intptr_t cmicrohttpd_log_function(void) { return (intptr_t)&cmicrohttpd_format_log; }

// The descriptor of a connection's socket, or -1.
static inline int cmicrohttpd_connection_socket(struct MHD_Connection *connection) {
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    return info ? info->connect_fd : -1;
}

// glibc declares these two only where _GNU_SOURCE is defined, and Swift does not define it.
struct sockaddr;
int accept4(int descriptor, struct sockaddr *address, unsigned int *size, int flags);
int pipe2(int ends[2], int flags);

// Bytes that have arrived and have not been read; 0 where that cannot be told.
static inline int cmicrohttpd_unread_bytes(int descriptor) {
    int count = 0;
    return ioctl(descriptor, FIONREAD, &count) == 0 ? count : 0;
}

// Swift sees neither the functions of epoll nor its packed structure.
static inline int cmicrohttpd_epoll_create(void) { return epoll_create1(EPOLL_CLOEXEC); }

// Asks for one event of a descriptor: that it can be read, or else that its peer has ended its side. 0, or -1.
static inline int cmicrohttpd_epoll_ask(int epoll, int descriptor, int is_new, int readable, uint64_t identifier) {
    struct epoll_event event = {.events = EPOLLONESHOT | EPOLLRDHUP | (readable ? EPOLLIN : 0), .data = {.u64 = identifier}};
    return epoll_ctl(epoll, is_new ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, descriptor, &event);
}

static inline void cmicrohttpd_epoll_forget(int epoll, int descriptor) {
    epoll_ctl(epoll, EPOLL_CTL_DEL, descriptor, NULL);
}

// The identifiers of at most 64 descriptors of which something is to be told; returns how many.
static inline int cmicrohttpd_epoll_wait(int epoll, uint64_t identifiers[64], int milliseconds) {
    struct epoll_event events[64];
    int count = epoll_wait(epoll, events, 64, milliseconds);
    for (int index = 0; index < count; index++) identifiers[index] = events[index].data.u64;
    return count;
}

// The peer's address, or NULL.
static inline const struct sockaddr *cmicrohttpd_connection_peer(struct MHD_Connection *connection) {
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    return info ? info->client_addr : NULL;
}

// What the connection notification left as the socket's context, or NULL.
static inline void *cmicrohttpd_connection_context(struct MHD_Connection *connection) {
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    return info ? info->socket_context : NULL;
}

// The TLS session of a connection, or NULL where the daemon speaks plain HTTP.
static inline gnutls_session_t cmicrohttpd_connection_tls(struct MHD_Connection *connection) {
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_GNUTLS_SESSION);
    return info ? (gnutls_session_t)info->tls_session : NULL;
}

// The daemon's number of open connections, over all threads of its pool.
static inline unsigned int cmicrohttpd_connection_count(struct MHD_Daemon *daemon) {
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_CURRENT_CONNECTIONS);
    return info ? info->num_connections : 0;
}

// Names the calling thread, at most 15 characters; `prctl` is variadic too.
static inline void cmicrohttpd_name_thread(const char *name) { prctl(PR_SET_NAME, name, 0L, 0L, 0L); }
