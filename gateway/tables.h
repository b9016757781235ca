/* SPDX-License-Identifier: MIT */
#ifndef GATEWAY_TABLES_H
#define GATEWAY_TABLES_H

/* The gateway's tables and the documents made of everybody's, on standard output:
 *   --routes --events --settings --statements   as every process of ours prints them
 *   --openapi FILE...                           OpenAPI 3.1 from what services' --routes printed
 *   --asyncapi FILE...                          AsyncAPI 3 from what --routes and --events printed
 * Returns the process's exit status. */
int tables_print(int argc, char **argv);

#endif
