/* mark WORD: marks a recording from a script of the guest (../mark.h). */
#include "../mark.h"

int main(int count, char **words)
{
    if (count != 2)
        return 2;
    balloonist_mark(words[1]);
    return 0;
}
