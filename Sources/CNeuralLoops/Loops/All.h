// Every loop once, for the instruction set that the including file has set up: CNK(name) gives each function the
// level's suffix, CNK_LOOP and CNK_INLINE compile it for the level's instructions.
#include <math.h>
#include <string.h>

#include "CNeuralLoops.h"

#define DECLARE(result, name, parameters, arguments) result CNK(name) parameters;
CNK_FUNCTIONS(DECLARE)
CNK_BFLOAT16_FUNCTIONS(DECLARE)
#undef DECLARE

#include "Vectors.h"
#include "Rounding.h"

#include "Mathematics.h"

#include "Arithmetic.h"
#include "Columns.h"
#include "Depthwise.h"
#include "Elementwise.h"
#include "Normalization.h"
#include "Optimizers.h"
#include "Pointwise.h"
#include "Pooling.h"
#include "Products.h"
#include "Blocks.h"
#include "ProductLoops.h"
#include "Pairs.h"
#include "RowNormalization.h"
#include "Softmax.h"
#include "Winograd.h"
