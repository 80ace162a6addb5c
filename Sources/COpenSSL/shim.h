// OpenSSL's libcrypto, found through pkg-config; it computes the digests of records and their signatures.
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
