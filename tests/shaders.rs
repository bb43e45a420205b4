//! Every shader resolves and validates; every struct lies on the device as on the host; Philox gives the published words.

use noise_compass::engine::gpu::{GpuContext, shader, types};
use noise_compass::engine::network::optimiser;
use noise_compass::engine::network::timetable::TimestepRow;
use noise_compass::ui::canvas::arrow_length::ArrowLength;
use wgpu::naga;

fn parse(source: &str) -> Result<naga::Module, String> {
    let module =
        naga::front::wgsl::parse_str(source).map_err(|error| error.emit_to_string(source))?;
    let mut validator = naga::valid::Validator::new(
        naga::valid::ValidationFlags::all(),
        naga::valid::Capabilities::empty(),
    );
    validator
        .validate(&module)
        .map_err(|error| error.emit_to_string(source))?;
    Ok(module)
}

/// All failures in one report, and no shader on disk that the table forgets.
#[test]
fn every_shader_is_valid_without_optional_capabilities() {
    let mut failures = Vec::new();
    for (name, _) in shader::KERNELS {
        if let Err(error) = shader::resolve(name).and_then(|source| parse(&source)) {
            failures.push(format!("{name}.wgsl: {error}"));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    for entry in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/shaders")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|e| e == "wgsl") {
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            let known = shader::KERNELS.iter().any(|(kernel, _)| *kernel == name);
            if !known {
                let source = std::fs::read_to_string(&path).unwrap();
                shader::join(&source)
                    .and_then(|source| parse(&source))
                    .unwrap_or_else(|error| panic!("{name}: {error}"));
            }
        }
    }
}

/// The function that a kernel's first line names as its twin, if there is one: `// Twin: src/engine/cpu/update.rs apply`.
fn twin(source: &str) -> Result<(), String> {
    let line = source.lines().next().unwrap_or_default();
    let (file, function) = line
        .strip_prefix("// Twin: ")
        .and_then(|twin| twin.split_once(' '))
        .ok_or_else(|| format!("the first line names no twin: {line}"))?;
    let text = std::fs::read_to_string(format!("{}/{file}", env!("CARGO_MANIFEST_DIR")))
        .map_err(|error| format!("{file}: {error}"))?;
    let there = [format!("fn {function}("), format!("fn {function}<")]
        .iter()
        .any(|head| text.contains(head));
    if there {
        Ok(())
    } else {
        Err(format!("{file} has no function {function}"))
    }
}

#[test]
fn every_kernel_names_its_twin() {
    for (name, source) in shader::KERNELS {
        twin(source).unwrap_or_else(|error| panic!("{name}: {error}"));
    }
    assert!(twin("// Sums the partial gradients.").is_err());
    assert!(twin("// Twin: src/engine/cpu/update.rs descend").is_err());
    assert!(twin("// Twin: src/engine/cpu/sgd.rs apply").is_err());
}

/// True where an expression may depend on a uniform.
fn reads_uniform(
    module: &naga::Module,
    function: &naga::Function,
    expression: naga::Handle<naga::Expression>,
) -> bool {
    use naga::Expression as E;
    let reads = |inner| reads_uniform(module, function, inner);
    match function.expressions[expression] {
        E::GlobalVariable(global) => {
            module.global_variables[global].space == naga::AddressSpace::Uniform
        }
        E::Load { pointer: inner }
        | E::AccessIndex { base: inner, .. }
        | E::Access { base: inner, .. }
        | E::Splat { value: inner, .. }
        | E::Swizzle { vector: inner, .. }
        | E::Unary { expr: inner, .. }
        | E::Relational {
            argument: inner, ..
        }
        | E::As { expr: inner, .. } => reads(inner),
        E::Binary { left, right, .. } => reads(left) || reads(right),
        E::Select {
            condition,
            accept,
            reject,
        } => reads(condition) || reads(accept) || reads(reject),
        E::Math {
            arg, arg1, arg2, ..
        } => [Some(arg), arg1, arg2].into_iter().flatten().any(reads),
        E::Compose { ref components, .. } => components.iter().copied().any(reads),
        // A variable, what a function returns or is given: it may come from a uniform.
        E::LocalVariable(_) | E::CallResult(_) | E::FunctionArgument(_) => true,
        _ => false,
    }
}

/// Conditions of a block that depend on a uniform.
fn branches_on_uniform(
    module: &naga::Module,
    function: &naga::Function,
    block: &naga::Block,
) -> usize {
    use naga::Statement as S;
    let within = |block| branches_on_uniform(module, function, block);
    let counts = block.iter().map(|statement| match statement {
        S::Block(inner) => within(inner),
        S::If {
            condition,
            accept,
            reject,
        } => {
            usize::from(reads_uniform(module, function, *condition))
                + within(accept)
                + within(reject)
        }
        S::Switch { selector, cases } => {
            let cases = cases.iter().map(|case| within(&case.body));
            usize::from(reads_uniform(module, function, *selector)) + cases.sum::<usize>()
        }
        S::Loop {
            body,
            continuing,
            break_if,
        } => {
            let ends = break_if.is_some_and(|condition| reads_uniform(module, function, condition));
            usize::from(ends) + within(body) + within(continuing)
        }
        _ => 0,
    });
    counts.sum()
}

/// Where a shader branches on a uniform, mesa's software driver compiles it anew for every value of the uniform, in the
/// middle of a frame, and keeps each: 1 MB a frame. A `select` costs nothing of the kind.
#[test]
fn no_shader_of_the_canvas_branches_on_a_uniform() {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/shaders")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if !name.starts_with("canvas_") {
            continue;
        }
        let module =
            parse(&shader::join(&std::fs::read_to_string(&path).unwrap()).unwrap()).unwrap();
        let functions = module.functions.iter().map(|(_, function)| function);
        let all = functions.chain(module.entry_points.iter().map(|entry| &entry.function));
        let branches: usize = all
            .map(|function| branches_on_uniform(&module, function, &function.body))
            .sum();
        if branches > 0 {
            found.push((name, branches));
        }
    }
    assert!(
        found.is_empty(),
        "branches on uniforms: {found:?}; choose by `select` instead"
    );
}

/// A number that a kernel names: `const NAME = 0.9;`.
fn constant(source: &str, name: &str) -> f64 {
    let line = source
        .lines()
        .find_map(|line| line.strip_prefix(&format!("const {name} = ")));
    line.and_then(|number| number.strip_suffix(';'))
        .and_then(|number| number.parse().ok())
        .unwrap()
}

/// The device takes what is the same in every update as numbers in the source, so that they are folded in full precision.
#[test]
fn optimisers_have_one_set_of_constants() {
    for (kernel, name, host) in [
        ("update", "BETA_2", optimiser::BETA_2),
        (
            "update",
            "MUON_MOMENTUM",
            f64::from(optimiser::MUON_MOMENTUM),
        ),
        (
            "muon_start",
            "SMALLEST_NORM",
            f64::from(optimiser::SMALLEST_NORM),
        ),
    ] {
        let source = shader::resolve(kernel).unwrap();
        assert!(
            (constant(&source, name) - host).abs() < 1e-7 * host,
            "{name}: {}",
            constant(&source, name)
        );
    }
}

macro_rules! assert_twins {
    ($kernel:literal, $type:ty, $name:literal, [$($field:ident),* $(,)?]) => {
        let fields = [$((stringify!($field), std::mem::offset_of!($type, $field))),*];
        shader::check_twin(&shader::resolve($kernel).unwrap(), $name, size_of::<$type>(), &fields).unwrap();
    };
}

/// Each thing that can part two twins is seen.
#[test]
fn a_twin_that_differs_is_told() {
    let source = "struct Twin { a: f32, b_0: f32, b_1: f32, padding: u32 }\n@group(0) @binding(0) var<uniform> twin: Twin;";
    let check =
        |name: &str, size, fields: &[(&str, usize)]| shader::check_twin(source, name, size, fields);
    assert_eq!(check("Twin", 16, &[("a", 0), ("b", 4)]), Ok(()));
    for (name, size, fields, says) in [
        ("Other", 16, &[("a", 0), ("b", 4)][..], "no struct Other"),
        (
            "Twin",
            12,
            &[("a", 0), ("b", 4)],
            "16 bytes on the device and 12 on the host",
        ),
        (
            "Twin",
            16,
            &[("a", 0), ("b", 8)],
            "Twin.b lies at 4 on the device and at 8",
        ),
        (
            "Twin",
            16,
            &[("a", 0), ("b", 4), ("c", 8)],
            "no c on the device",
        ),
        ("Twin", 16, &[("a", 0)], "Twin.b_0 of the device is unknown"),
    ] {
        let error = check(name, size, fields).unwrap_err();
        assert!(error.contains(says), "{error}");
    }
}

#[test]
fn structs_lie_on_the_device_as_on_the_host() {
    assert_twins!(
        "dense_forward",
        types::Layer,
        "Layer",
        [
            input_offset,
            input_stride,
            inputs,
            output_offset,
            outputs,
            weight_offset,
            bias_offset,
            delta_offset,
            previous_delta_offset,
            derivative_offset,
            previous_derivative_offset,
            first_tile,
        ]
    );
    assert_twins!(
        "update",
        types::Training,
        "Training",
        [
            seed,
            batch,
            rows,
            data_count,
            data_is_mixture,
            timesteps,
            octaves,
            input_stride,
            coordinate_stride,
            layer_count,
            chunk_rows,
            chunk_count,
            parameter_stride,
            loss_partials,
            tile_count,
            matrix_first,
            matrix_period,
            matrix_length,
            matrix_count,
            classes,
            label_dropout,
        ]
    );
    assert_twins!(
        "muon_product",
        types::Product,
        "Product",
        [
            left,
            right,
            transposed,
            added,
            added_factor,
            factor,
            out,
            side
        ]
    );
    assert_twins!(
        "update",
        types::Step,
        "Step",
        [
            index,
            loss_slot,
            learning_rate,
            kept,
            first_decay,
            first_gain,
            bias_correction_1,
            sqrt_bias_correction_2,
            epsilon,
            matrix_rate,
            ema_decay,
            dry,
        ]
    );
    assert_twins!(
        "sampler_step",
        types::Slice,
        "Slice",
        [
            seed,
            first,
            count,
            octaves,
            coordinate_stride,
            draw_start,
            start_std,
            start_scale,
            padding,
        ]
    );
    assert_twins!(
        "sampler_step",
        types::PlanRow,
        "PlanRow",
        [
            x0_x,
            x0_output,
            a,
            s,
            clip_min,
            clip_max,
            index,
            clip,
            write,
            frame,
            exact_mean,
            exact_data,
            exact_one,
            noise,
            next_input_scale,
            variance_span,
            variance_gain,
            variance_base,
            guidance_weight,
            second,
            known,
            known_std,
            known_axes,
            padding,
            mixes,
        ]
    );
    assert_twins!(
        "log_density",
        types::DensityGrid,
        "DensityGrid",
        [min, cell, resolution, padding, first, end]
    );
    assert_twins!(
        "batch_draw",
        TimestepRow,
        "TimestepRow",
        [
            a,
            s,
            target_x0,
            target_eps,
            loss_weight,
            weighting,
            input_scale,
            keep,
            other,
            variance_pull,
            variance_span,
            variance_gain,
            variance_base,
        ]
    );
}

/// Run a snippet with the shared files on the device: `inputs` in binding 0, words out of binding 1.
fn run(context: &GpuContext, body: &str, inputs: &[u32], outputs: usize) -> Vec<u32> {
    let source = shader::join(&format!(
        "//!include arrow_length\n//!include math\n//!include philox\n\
         @group(0) @binding(0) var<storage, read> input: array<u32>;\n\
         @group(0) @binding(1) var<storage, read_write> output: array<u32>;\n\
         @compute @workgroup_size(1) fn main(@builtin(global_invocation_id) id: vec3<u32>) {{ let i = id.x;\n{body}\n}}"
    ))
    .unwrap();
    let device = context.device();
    let module = device.create_shader_module(wgpu::ShaderModuleDescriptor {
        label: None,
        source: wgpu::ShaderSource::Wgsl(source.into()),
    });
    let pipeline = device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
        label: None,
        layout: None,
        module: &module,
        entry_point: Some("main"),
        compilation_options: wgpu::PipelineCompilationOptions::default(),
        cache: None,
    });
    let (input, output) = (
        context.storage("input", inputs),
        context.storage("output", &vec![0_u32; outputs]),
    );
    let group = device.create_bind_group(&wgpu::BindGroupDescriptor {
        label: None,
        layout: &pipeline.get_bind_group_layout(0),
        entries: &[
            wgpu::BindGroupEntry {
                binding: 0,
                resource: input.as_entire_binding(),
            },
            wgpu::BindGroupEntry {
                binding: 1,
                resource: output.as_entire_binding(),
            },
        ],
    });
    let mut encoder = device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
    {
        let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
        pass.set_pipeline(&pipeline);
        pass.set_bind_group(0, &group, &[]);
        pass.dispatch_workgroups(inputs.len() as u32, 1, 1);
    }
    context.queue().submit([encoder.finish()]);
    bytemuck::pod_collect_to_vec(&context.read_buffer(&output, 0, 4 * outputs as u64).unwrap())
}

/// The key beside the arrows of the score field says by the host's function what the device draws by its own.
#[test]
fn arrows_are_as_long_on_the_device_as_the_key_says() {
    let magnitudes: Vec<f32> = [
        0.0, 1e-3, 0.05, 0.7, 1.0, 2.5, 9.9, 10.0, 40.0, 100.0, 999.0, 3e4,
    ]
    .into_iter()
    .collect();
    let bits: Vec<u32> = magnitudes.iter().map(|m| m.to_bits()).collect();
    let context = GpuContext::headless().unwrap();
    for (number, rule) in ArrowLength::ALL.into_iter().enumerate() {
        assert_eq!(rule as usize, number, "as the shader counts them");
        let body =
            format!("output[i] = bitcast<u32>(arrow_share(bitcast<f32>(input[i]), {number}u));");
        for (magnitude, found) in magnitudes
            .iter()
            .zip(run(&context, &body, &bits, bits.len()))
        {
            let (found, host) = (f32::from_bits(found), rule.share(*magnitude));
            assert!(
                (found - host).abs() < 1e-3,
                "{rule:?} of {magnitude}: {found} on the device, {host} in the key"
            );
        }
    }
}

/// Known-answer vectors of Random123 (`kat_vectors`, philox4x32 10): counter, key, answer.
#[test]
fn philox_on_the_device_gives_the_published_words() {
    let vectors: [[u32; 10]; 3] = [
        [
            0,
            0,
            0,
            0,
            0,
            0,
            0x6627_e8d5,
            0xe169_c58d,
            0xbc57_ac4c,
            0x9b00_dbd8,
        ],
        [
            u32::MAX,
            u32::MAX,
            u32::MAX,
            u32::MAX,
            u32::MAX,
            u32::MAX,
            0x408f_276d,
            0x41c8_3b0e,
            0xa20b_c7c6,
            0x6d54_51fd,
        ],
        [
            0x243f_6a88,
            0x85a3_08d3,
            0x1319_8a2e,
            0x0370_7344,
            0xa409_3822,
            0x299f_31d0,
            0xd16c_fe09,
            0x94fd_cceb,
            0x5001_e420,
            0x2412_6ea1,
        ],
    ];
    let context = GpuContext::headless().unwrap();
    let body = "if i > 0u { return; } let w = philox4x32(vec4<u32>(input[0], input[1], input[2], input[3]), \
                vec2<u32>(input[4], input[5])); output[0] = w.x; output[1] = w.y; output[2] = w.z; output[3] = w.w;";
    for vector in vectors {
        assert_eq!(run(&context, body, &vector[..6], 4), vector[6..]);
    }
    // The elementary functions beside f64: a few units in the last place, also where built-in ones are coarse.
    let angles: Vec<f32> = (0..4000).map(|i| (i - 2000) as f32 * 0.0837).collect();
    let bits: Vec<u32> = angles.iter().map(|x| x.to_bits()).collect();
    let body = "let v = sin_cos_accurate(bitcast<f32>(input[i])); output[2u * i] = bitcast<u32>(v.x); output[2u * i + 1u] = bitcast<u32>(v.y);";
    for (x, found) in angles
        .iter()
        .zip(run(&context, body, &bits, 8000).chunks_exact(2))
    {
        let (sin, cos) = f64::from(*x).sin_cos();
        let error = (f64::from(f32::from_bits(found[0])) - sin)
            .abs()
            .max((f64::from(f32::from_bits(found[1])) - cos).abs());
        assert!(error < 3e-7, "sin, cos of {x} off by {error:e}");
    }
    let positive: Vec<f32> = (1..4000)
        .map(|i| (i as f32 / 4000.0).powi(5))
        .chain([1.0, 2.0_f32.powi(-33)])
        .collect();
    let bits: Vec<u32> = positive.iter().map(|x| x.to_bits()).collect();
    let body = "output[i] = bitcast<u32>(log_accurate(bitcast<f32>(input[i])));";
    for (x, found) in positive.iter().zip(run(&context, body, &bits, bits.len())) {
        let exact = f64::from(*x).ln();
        let error = (f64::from(f32::from_bits(found)) - exact).abs();
        assert!(
            error <= 2e-7 * exact.abs() + 1e-9,
            "log of {x} off by {error:e}"
        );
    }
}
