// Arithmetic, element by element, with broadcasting.
//
//   shapes:   any two that broadcast by NumPy's rules; a number stands for a scalar
//   gradient: both operands; one that was stretched receives the sum over its copies
//   throws:   ShapeError or DTypeError with the operation and both shapes
#pragma once

#include "keel/autograd/variable.h"

namespace keel {

Variable add(const Variable& a, const Variable& b);       // da += dy          db += dy
Variable subtract(const Variable& a, const Variable& b);  // da += dy          db -= dy
Variable multiply(const Variable& a, const Variable& b);  // da += dy b        db += dy a
Variable divide(const Variable& a, const Variable& b);    // da += dy / b      db -= dy y / b
// scale x + shift                                           dx += scale dy
Variable affine(const Variable& x, double scale, double shift);
Variable negate(const Variable& x);  // -x                   dx -= dy

inline Variable operator+(const Variable& a, const Variable& b) { return add(a, b); }
inline Variable operator-(const Variable& a, const Variable& b) { return subtract(a, b); }
inline Variable operator*(const Variable& a, const Variable& b) { return multiply(a, b); }
inline Variable operator/(const Variable& a, const Variable& b) { return divide(a, b); }
inline Variable operator-(const Variable& x) { return negate(x); }

inline Variable operator+(const Variable& a, double b) { return affine(a, 1, b); }
inline Variable operator+(double a, const Variable& b) { return affine(b, 1, a); }
inline Variable operator-(const Variable& a, double b) { return affine(a, 1, -b); }
inline Variable operator-(double a, const Variable& b) { return affine(b, -1, a); }
inline Variable operator*(const Variable& a, double b) { return affine(a, b, 0); }
inline Variable operator*(double a, const Variable& b) { return affine(b, a, 0); }
inline Variable operator/(const Variable& a, double b) { return affine(a, 1 / b, 0); }
Variable operator/(double a, const Variable& b);

}  // namespace keel
