#include "keel/optim/clip.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "keel/core/error.h"
#include "keel/core/parallel.h"
#include "keel/core/tensor_ops.h"

namespace keel::optim {
namespace {

struct NamedGradient {
  std::string name;
  Tensor elements;  // the gradient's own
};

std::vector<NamedGradient> gradients_of(const char* operation, ParameterGroups parameters) {
  std::vector<NamedGradient> gradients;
  std::vector<Variable> seen;
  for (const ParameterGroup& group : std::move(parameters).take()) {
    for (const NamedParameter& parameter : group.parameters) {
      const std::string name = parameter.name.empty() ? std::to_string(seen.size()) : parameter.name;
      check<ValueError>(std::find(seen.begin(), seen.end(), parameter.variable) == seen.end(),
                        "[{}] the parameter '{}' is given twice", operation, name);
      seen.push_back(parameter.variable);
      if (parameter.variable.grad().defined()) gradients.push_back({name, parameter.variable.grad()});
    }
  }
  check(!gradients.empty(), "[{}] no parameter has a gradient: expected a backward() before", operation);
  return gradients;
}

void require_positive(const char* operation, const char* what, double value) {
  check<ValueError>(value > 0 && std::isfinite(value), "[{}] {} {}: expected a finite number above 0",
                    operation, what, value);
}

// A part of a gradient. The cut depends on sizes only.
struct Piece {
  Tensor elements;
  Index begin, end;
};
constexpr Index kPiece = 1 << 14;

std::vector<Piece> pieces_of(const std::vector<NamedGradient>& gradients) {
  std::vector<Piece> pieces;
  for (const auto& [name, elements] : gradients) {
    for (Index begin = 0; begin < elements.numel(); begin += kPiece) {
      pieces.push_back({elements, begin, std::min(begin + kPiece, elements.numel())});
    }
  }
  return pieces;
}

// f(pointer to the piece's elements, their number, place of the piece) for each piece.
template <class F>
void for_each_piece(const char* operation, std::vector<Piece>& pieces, const F& f) {
  parallel_for(static_cast<Index>(pieces.size()), 1, [&](Index first, Index last) {
    for (Index i = first; i < last; ++i) {
      Piece& piece = pieces[static_cast<std::size_t>(i)];
      dispatch_floating(operation, piece.elements.dtype(), [&]<class T>(T) {
        f(piece.elements.data<T>() + piece.begin, piece.end - piece.begin, static_cast<std::size_t>(i));
      });
    }
  });
}

// Eight sums side by side, as one alone would wait for each addition.
template <class T>
double sum_of_squares(const T* x, Index n) {
  constexpr Index kSums = 8;
  std::array<double, kSums> sums{};
  const Index whole = n / kSums * kSums;
  for (Index i = 0; i < whole; i += kSums) {
    for (Index j = 0; j < kSums; ++j) {
      const double element = static_cast<double>(x[i + j]);
      sums[static_cast<std::size_t>(j)] += element * element;
    }
  }
  double total = 0;
  for (const double sum : sums) total += sum;
  for (Index i = whole; i < n; ++i) total += static_cast<double>(x[i]) * static_cast<double>(x[i]);
  return total;
}

}  // namespace

double clip_gradients_by_norm(ParameterGroups parameters, double max_norm) {
  constexpr const char* kOperation = "clip_gradients_by_norm";
  require_positive(kOperation, "max_norm", max_norm);
  const std::vector<NamedGradient> gradients = gradients_of(kOperation, std::move(parameters));
  std::vector<Piece> pieces = pieces_of(gradients);
  std::vector<double> squares(pieces.size());
  for_each_piece(kOperation, pieces,
                 [&](const auto* x, Index n, std::size_t place) { squares[place] = sum_of_squares(x, n); });
  double total = 0;
  for (const double square : squares) total += square;
  const double norm = std::sqrt(total);
  if (!std::isfinite(norm)) {
    for (const auto& [name, elements] : gradients) {
      check<ValueError>(all_finite(elements), "[{}] the gradient of '{}' has elements that are not finite",
                        kOperation, name);
    }
    throw ValueError(fmt::format("[{}] the squares of the gradients are too large to sum", kOperation));
  }
  if (norm <= max_norm) return norm;
  const double scale = max_norm / norm;
  for_each_piece(kOperation, pieces, [&]<class T>(T* x, Index n, std::size_t) {
    for (Index i = 0; i < n; ++i) x[i] = static_cast<T>(static_cast<double>(x[i]) * scale);
  });
  return norm;
}

void clip_gradients_by_value(ParameterGroups parameters, double max_value) {
  constexpr const char* kOperation = "clip_gradients_by_value";
  require_positive(kOperation, "max_value", max_value);
  std::vector<Piece> pieces = pieces_of(gradients_of(kOperation, std::move(parameters)));
  for_each_piece(kOperation, pieces, [&]<class T>(T* x, Index n, std::size_t) {
    const T most = static_cast<T>(max_value);
    for (Index i = 0; i < n; ++i) x[i] = x[i] > most ? most : x[i] < -most ? -most : x[i];
  });
}

}  // namespace keel::optim
