// Functions of one variable, element by element.
//
//   shapes:   any; the result has the input's
//   gradient: x
//   throws:   DTypeError unless the elements are float32 or float64
#pragma once

#include "keel/autograd/variable.h"

namespace keel {

Variable exp(const Variable& x);      // e^x                    dx += dy y
Variable log(const Variable& x);      // ln x                   dx += dy / x
Variable sqrt(const Variable& x);     // x^(1/2)                dx += dy / (2 y)
Variable tanh(const Variable& x);     //                        dx += dy (1 - y^2)
Variable sigmoid(const Variable& x);  // 1 / (1 + e^-x)         dx += dy y (1 - y)
Variable relu(const Variable& x);     // max(x, 0)              dx += dy [y > 0]   (subgradient 0 at x = 0)
// x^exponent                                                   dx += dy exponent x^(exponent - 1)
Variable pow(const Variable& x, double exponent);

}  // namespace keel
