#ifndef LENSCAP_COPENSSL_SHIM_H
#define LENSCAP_COPENSSL_SHIM_H

// Hides every call that OpenSSL 3 deprecates, so that only the EVP interface can be reached from
// Swift.
#define OPENSSL_API_COMPAT 30000
#define OPENSSL_NO_DEPRECATED

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>

#endif
