/* SPDX-License-Identifier: MIT */
#ifndef GATEWAY_DOCUMENTS_H
#define GATEWAY_DOCUMENTS_H

/* The API's documents, made when the programs are built from what each service's binary prints.
 * Files are the output of --routes, and for AsyncAPI also of --events; which is which is seen from
 * their content. Each returns the process's exit status. */
int print_openapi(int count, char **files);
int print_asyncapi(int count, char **files);

#endif
