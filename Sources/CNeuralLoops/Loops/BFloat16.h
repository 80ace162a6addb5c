// The loops for bfloat16 alone, for levels whose other loops are another level's.
#include <string.h>

#include "CNeuralLoops.h"

#define DECLARE(result, name, parameters, arguments) result CNK(name) parameters;
CNK_BFLOAT16_FUNCTIONS(DECLARE)
#undef DECLARE

#include "Vectors.h"
#include "Rounding.h"

#include "Products.h"
#include "Blocks.h"
#include "Pairs.h"
