// One function a family adds its operators to the module; arguments.h reads what they share.
#pragma once

#include "bindings/door.h"

namespace tatami {

void bind_activation(py::module_& m);
void bind_adaptive_pool2d(py::module_& m);
void bind_capture(py::module_& m);
void bind_conv2d(py::module_& m);
void bind_cross_entropy(py::module_& m);
void bind_dropout(py::module_& m);
void bind_embedding(py::module_& m);
void bind_grid_sample(py::module_& m);
void bind_loss(py::module_& m);
void bind_matmul(py::module_& m);
void bind_norm(py::module_& m);
void bind_optim(py::module_& m);
void bind_pool2d(py::module_& m);
void bind_pooled_conv2d(py::module_& m);
void bind_prelu(py::module_& m);
void bind_probe(py::module_& m);
void bind_recurrent(py::module_& m);
void bind_reparameterize(py::module_& m);
void bind_softmax(py::module_& m);
void bind_tape(py::module_& m);
void bind_upsample2d(py::module_& m);

}  // namespace tatami
