// OpenSSL's libcrypto, found through pkg-config; it computes the digests of records.
#include <openssl/evp.h>
