/* Unguessable tokens for URLs and links: random bytes as base64url without padding. Any thread. */
#ifndef CRYPTO_TOKEN_H
#define CRYPTO_TOKEN_H

#include "base/str.h"
#include "crypto/base64.h"

enum { CP_TOKEN_BYTES = 24, CP_TOKEN_LEN = 32, CP_TOKEN_SIZE = 33 };

/* 192 random bits, CP_TOKEN_LEN characters and NUL. */
void cp_token_new(char out[CP_TOKEN_SIZE]);
/* True where text has the form of a token: says nothing about whether it was given out. */
bool cp_token_is_wellformed(struct cp_str text);

#endif
