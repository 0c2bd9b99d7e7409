# make and gcc -O1 compile two C files of 6 functions and link them.
mkdir /tmp/source
cd /tmp/source
for n in 1 2; do
  awk -v n=$n 'BEGIN {
    print "#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>"
    for (f = 0; f < 6; f++) {
      printf "int f%d_%d(const char *s, int k)\n{\n  int a[%d] = { 0 }, sum = k;\n", n, f, f + 4
      printf "  for (size_t i = 0; i < strlen(s); i++) {\n    a[i %% %d] += s[i] * %d;\n", f + 4, f + n
      printf "    if (a[i %% %d] > k && sum %% %d) sum += a[%d] - abs(k);\n", f + 3, f + 2, f % 4
      printf "    else printf(\"%%d %%s\\n\", sum, s);\n  }\n  return sum;\n}\n"
    }
  }' > part$n.c
done
echo 'int f1_1(const char *, int); int main(void) { return f1_1("x", 2); }' > main.c
printf 'all: main\nmain: main.o %s\n\t$(CC) -o $@ $^\n' "$(echo part?.c | sed 's/\.c/.o/g')" > Makefile
mark start
make -s CC=gcc-12 CFLAGS=-O1
mark stop
