/*
 * Stands in for NVRTC: what TornadoVM generated is compiled by g++ behind include/work_items.hpp. The "cubin" is the path of
 * the shared object, in the folder CUDA_ON_CPU_OUT, named after the source, so that it is compiled once.
 * CUDA_ON_CPU is the folder of this file; build.sh has put the compiled work_items.hpp beside the objects.
 *
 * The only thing that g++ does not read as it is, is inline PTX: asm("dp4a.s32.s32 …;" : "=r"(d) : "r"(a), …) becomes
 * the call ptx_dp4a_s32_s32(d, a, …). Instructions that work_items.hpp does not have are errors with that name.
 */
#define _GNU_SOURCE
#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { OK = 0, OUT_OF_MEMORY = 1, COMPILATION = 6 };

typedef struct { char *source, *log; char object[1024]; } Program;

static const char *environment(const char *name) {
    const char *value = getenv(name);
    return value ? value : ".";
}

/* ---- inline PTX */

/* Writes the next operand, "constraint"(expression), without its constraint; where the text after it starts. */
static char *operand(char *at, FILE *to) {
    char *open = strchr(strchr(at + 1, '"'), '(') + 1, *end = open;
    for (int depth = 1; depth > 0; end++) depth += *end == '(' ? 1 : *end == ')' ? -1 : 0;
    fprintf(to, "%.*s", (int) (end - 1 - open), open);
    return end;
}

/* at: behind the word asm. */
static char *assembly(char *at, FILE *to) {
    char *text = strchr(at, '"') + 1, *end = strchr(text, '"');
    fputs("ptx_", to);
    for (; text < end && !isspace(*text); text++) fputc(isalnum(*text) ? *text : '_', to);
    fputc('(', to);
    int first = 1;
    for (at = end + 1; *at && *at != ';'; )
        if (*at == '"') {
            if (!first) fputs(", ", to);
            first = 0;
            at = operand(at, to);
        } else at++;
    fputc(')', to);
    return at;
}

static void translate(char *source, FILE *to) {
    for (char *at; (at = strstr(source, "asm")); )
        if ((at == source || isspace(at[-1])) && (at[3] == '(' || isspace(at[3]))) {
            fprintf(to, "%.*s", (int) (at - source), source);
            source = assembly(at + 3, to);
        } else {
            fprintf(to, "%.*s", (int) (at + 3 - source), source);
            source = at + 3;
        }
    fputs(source, to);
}

/* ---- compiling */

/* FNV-1a */
static uint64_t hash(const char *text) {
    uint64_t h = 14695981039346656037u;
    for (; *text; text++) h = (h ^ (unsigned char) *text) * 1099511628211u;
    return h;
}

static char *content(const char *path) {
    FILE *file = fopen(path, "r");
    if (!file) return strdup("");
    char *text = calloc(1, 1 << 16);
    if (text) fread(text, 1, (1 << 16) - 1, file);
    fclose(file);
    return text;
}

/* The kernel's name, as in: extern "C" __global__ void name(… */
static int kernel(const char *source, char *name, size_t size) {
    const char *at = strstr(source, "__global__"), *end;
    if (!at || !(end = strchr(at, '('))) return 0;
    for (at = end; isalnum(at[-1]) || at[-1] == '_'; at--);
    return snprintf(name, size, "%.*s", (int) (end - at), at) < (int) size;
}

/* Called by several threads at a time. */
static int compile(Program *p) {
    static int count;
    const char *home = environment("CUDA_ON_CPU");
    char name[256], base[900], cpp[1024], command[4096];
    if (!kernel(p->source, name, sizeof name)) return COMPILATION;
    snprintf(base, sizeof base, "%s/%s-%d-%d", environment("CUDA_ON_CPU_OUT"), name, getpid(), __sync_add_and_fetch(&count, 1));
    snprintf(cpp, sizeof cpp, "%s.cpp", base);
    FILE *to = fopen(cpp, "w");
    if (!to) return COMPILATION;
    fputs("#include \"work_items.hpp\"\n", to);
    translate(p->source, to);
    fprintf(to, "\nextern \"C\" int launch(Extent grid, Extent block, void **arguments) { return launch(%s, grid, block, arguments); }"
            "\nextern \"C\" void **kept(void **arguments) { return kept(%s, arguments); }\n", name, name);
    fclose(to);
    snprintf(command, sizeof command, "g++ $(cat '%s/flags') -shared -I '%s' -I '%s/include' -o '%s.so' '%s' 2>'%s.log'",
             home, environment("CUDA_ON_CPU_OUT"), home, base, cpp, base);
    int failed = system(command);
    snprintf(command, sizeof command, "%s.log", base);
    p->log = content(command);
    unlink(command);
    unlink(cpp);
    snprintf(command, sizeof command, "%s.so", base);
    if (failed || rename(command, p->object)) return COMPILATION;
    return OK;
}

int nvrtcCreateProgram(Program **program, const char *source, const char *name, int headers, const char **texts, const char **names) {
    *program = calloc(1, sizeof **program);
    if (!*program) return OUT_OF_MEMORY;
    (*program)->source = strdup(source);
    (*program)->log = strdup("");
    return OK;
}

int nvrtcCompileProgram(Program *p, int count, const char **options) {
    struct stat there;
    snprintf(p->object, sizeof p->object, "%s/%016llx.so", environment("CUDA_ON_CPU_OUT"), (unsigned long long) hash(p->source));
    return stat(p->object, &there) == 0 ? OK : compile(p);
}

int nvrtcDestroyProgram(Program **program) {
    free((*program)->source);
    free((*program)->log);
    free(*program);
    *program = NULL;
    return OK;
}

int nvrtcGetCUBINSize(Program *p, size_t *size) { *size = strlen(p->object) + 1; return OK; }
int nvrtcGetCUBIN(Program *p, char *to) { strcpy(to, p->object); return OK; }
int nvrtcGetPTXSize(Program *p, size_t *size) { *size = 1; return OK; }
int nvrtcGetPTX(Program *p, char *to) { *to = 0; return OK; }
int nvrtcGetProgramLogSize(Program *p, size_t *size) { *size = strlen(p->log) + 1; return OK; }
int nvrtcGetProgramLog(Program *p, char *to) { strcpy(to, p->log); return OK; }
int nvrtcGetNumSupportedArchs(int *count) { *count = 1; return OK; }
int nvrtcGetSupportedArchs(int *archs) { *archs = 90; return OK; }
int nvrtcVersion(int *major, int *minor) { *major = 13; *minor = 0; return OK; }
const char *nvrtcGetErrorString(int code) { return code == OK ? "done" : "g++ does not compile the generated kernel"; }
