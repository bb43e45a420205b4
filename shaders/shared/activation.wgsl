// The four activations with their derivatives. 0 SiLU, 1 GELU (tanh form), 2 ReLU, 3 tanh: the order of `Activation::ALL`.

override ACTIVATION: u32 = 0u;

struct Activated {
    value: vec4<f32>,
    derivative: vec4<f32>,
}

fn tanh_accurate(z: vec4<f32>) -> vec4<f32> {
    return 1.0 - 2.0 / (exp(2.0 * clamp(z, vec4<f32>(-15.0), vec4<f32>(15.0))) + 1.0);
}

fn activate(z: vec4<f32>) -> Activated {
    if ACTIVATION == 0u {
        let sigmoid = 1.0 / (1.0 + exp(-z));
        return Activated(z * sigmoid, sigmoid * (1.0 + z * (1.0 - sigmoid)));
    }
    if ACTIVATION == 1u {
        let inner = 0.7978845608028654 * (z + 0.044715 * z * z * z);
        let t = tanh_accurate(inner);
        let inner_derivative = 0.7978845608028654 * (1.0 + 3.0 * 0.044715 * z * z);
        return Activated(0.5 * z * (1.0 + t), 0.5 * (1.0 + t) + 0.5 * z * (1.0 - t * t) * inner_derivative);
    }
    if ACTIVATION == 2u {
        let on = z > vec4<f32>(0.0);
        // z · 0 keeps a NaN visible where max(z, 0) may drop it.
        return Activated(select(z * 0.0, z, on), select(vec4<f32>(0.0), vec4<f32>(1.0), on));
    }
    let t = tanh_accurate(z);
    return Activated(t, 1.0 - t * t);
}
