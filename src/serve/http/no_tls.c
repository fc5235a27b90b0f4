/* no_tls - what Debian's libmicrohttpd wants of gnutls, for the static program
 *
 * It is built with TLS, and gnutls has no static library.  The server never asks for TLS (encryption is a proxy's work), so
 * of these functions only the two that begin and end the library are ever called.  They do nothing and say that it went
 * well; whichever other is called ends the program, since libmicrohttpd is then not what it was taken for.
 */
#include <stdlib.h>

#define FINE(name)                                                                                           \
    int name(void);                                                                                          \
    int name(void)                                                                                           \
    {                                                                                                        \
        return 0;                                                                                            \
    }
#define NOTHING(name)                                                                                        \
    _Noreturn void name(void);                                                                               \
    _Noreturn void name(void)                                                                                \
    {                                                                                                        \
        abort();                                                                                             \
    }

/* clang-format off */
FINE(gnutls_global_init)
FINE(gnutls_global_deinit)
NOTHING(gnutls_alpn_set_protocols)
NOTHING(gnutls_bye)
NOTHING(gnutls_certificate_allocate_credentials)
NOTHING(gnutls_certificate_free_credentials)
NOTHING(gnutls_certificate_server_set_request)
NOTHING(gnutls_certificate_set_dh_params)
NOTHING(gnutls_certificate_set_retrieve_function2)
NOTHING(gnutls_certificate_set_retrieve_function3)
NOTHING(gnutls_certificate_set_x509_key_mem)
NOTHING(gnutls_certificate_set_x509_key_mem2)
NOTHING(gnutls_certificate_set_x509_trust_mem)
NOTHING(gnutls_cipher_get)
NOTHING(gnutls_credentials_set)
NOTHING(gnutls_deinit)
NOTHING(gnutls_dh_params_deinit)
NOTHING(gnutls_dh_params_import_pkcs3)
NOTHING(gnutls_dh_params_init)
NOTHING(gnutls_handshake)
NOTHING(gnutls_init)
NOTHING(gnutls_malloc)
NOTHING(gnutls_priority_deinit)
NOTHING(gnutls_priority_init)
NOTHING(gnutls_priority_set)
NOTHING(gnutls_protocol_get_version)
NOTHING(gnutls_psk_allocate_server_credentials)
NOTHING(gnutls_psk_free_server_credentials)
NOTHING(gnutls_psk_set_server_credentials_function)
NOTHING(gnutls_record_check_pending)
NOTHING(gnutls_record_get_direction)
NOTHING(gnutls_record_recv)
NOTHING(gnutls_record_send)
NOTHING(gnutls_session_get_ptr)
NOTHING(gnutls_session_set_ptr)
NOTHING(gnutls_strerror)
NOTHING(gnutls_transport_set_int2)
