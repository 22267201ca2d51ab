/* Wine 8 lacks this system library, from which Rust's standard library takes random bytes. */
#include <windows.h>
#include <ntsecapi.h>

__declspec(dllexport) BOOL WINAPI ProcessPrng(PUCHAR data, SIZE_T length)
{
    return RtlGenRandom(data, (ULONG)length);
}
