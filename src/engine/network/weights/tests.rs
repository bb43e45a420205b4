use super::*;
use crate::network::init::initial_weights;
use crate::network::layout::Activation;

const SHAPE: NetworkShape = NetworkShape {
    octaves: 1,
    width: 32,
    depth: 2,
    activation: Activation::Silu,
    learns_variance: false,
    classes: 0,
};

/// Every number of every vector is another.
fn state() -> ModelState {
    let vector = |seed| initial_weights(SHAPE, seed);
    ModelState {
        step: 1234,
        weights: vector(1),
        ema: vector(2),
        adam_m: vector(3),
        adam_v: vector(4),
    }
}

/// Tensors (name, type, shape, bytes) of a good file, to be spoilt.
type Tensors = Vec<(String, Dtype, Vec<usize>, Vec<u8>)>;

fn tensors() -> Tensors {
    let bytes = to_bytes(SHAPE, &state(), "{}", None).unwrap();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let owned = |(name, view): (String, TensorView)| {
        (
            name,
            view.dtype(),
            view.shape().to_vec(),
            view.data().to_vec(),
        )
    };
    file.tensors().into_iter().map(owned).collect()
}

fn write(tensors: &Tensors, metadata: &[(&str, &str)]) -> tempfile::NamedTempFile {
    let views = tensors.iter().map(|(name, dtype, shape, data)| {
        (
            name.clone(),
            TensorView::new(*dtype, shape.clone(), data).unwrap(),
        )
    });
    let metadata = metadata
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect();
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), serialize(views, Some(metadata)).unwrap()).unwrap();
    file
}

const GOOD: [(&str, &str); 2] = [("experiment", "{}"), ("step", "7")];

/// The error's text, in one line, after spoiling a good file.
fn complaint(spoil: impl Fn(&mut Tensors)) -> String {
    let mut tensors = tensors();
    spoil(&mut tensors);
    let text = load(write(&tensors, &GOOD).path()).unwrap_err().to_string();
    assert!(!text.contains('\n'));
    text
}

fn named<'a>(tensors: &'a mut Tensors, name: &str) -> &'a mut (String, Dtype, Vec<usize>, Vec<u8>) {
    tensors.iter_mut().find(|tensor| tensor.0 == name).unwrap()
}

/// Without sorting, two of these in three would differ somewhere.
#[test]
fn the_same_model_is_the_same_bytes() {
    let state = ModelState::fresh(vec![0.5; SHAPE.parameters()]);
    let first = to_bytes(SHAPE, &state, "{}", None).unwrap();
    for _ in 0..20 {
        assert!(to_bytes(SHAPE, &state, "{}", None).unwrap() == first);
    }
}

#[test]
fn a_model_comes_back_bit_for_bit() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("model.safetensors");
    let experiment = r#"{"data": "a \"quoted\" ∇"}"#;
    std::fs::write(&path, to_bytes(SHAPE, &state(), experiment, None).unwrap()).unwrap();
    let loaded = load(&path).unwrap();
    assert_eq!(loaded.experiment_json, experiment);
    assert_eq!(loaded.into_state(SHAPE).unwrap(), state());
}

/// What a reader in PyTorch relies on: names, shapes, and [out, in] row-major.
#[test]
fn tensors_have_the_names_and_shapes_of_linear_layers() {
    let state = state();
    let bytes = to_bytes(SHAPE, &state, "{}", None).unwrap();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    assert_eq!(file.len(), 4 * 2 * 3);
    let weight = file.tensor("ema.layers.1.weight").unwrap();
    assert_eq!(weight.shape(), [32, 32]);
    let layer = SHAPE.layers()[1];
    let offset = 4 * (5 * 32 + 3);
    let number = f32::from_le_bytes(weight.data()[offset..offset + 4].try_into().unwrap());
    assert_eq!(number, state.ema[layer.weight + 5 * 32 + 3]);
    assert_eq!(
        file.tensor("layers.0.weight").unwrap().shape(),
        [32, SHAPE.inputs()]
    );
    assert_eq!(file.tensor("layers.2.bias").unwrap().shape(), [2]);
}

#[test]
fn without_moments_they_start_at_zero() {
    let mut tensors = tensors();
    tensors.retain(|tensor| !tensor.0.starts_with("adam"));
    let loaded = load(write(&tensors, &GOOD).path())
        .unwrap()
        .into_state(SHAPE)
        .unwrap();
    let zeros = vec![0.0; SHAPE.parameters()];
    assert_eq!(
        loaded,
        ModelState {
            step: 7,
            adam_m: zeros.clone(),
            adam_v: zeros,
            ..state()
        }
    );
}

#[test]
fn spoilt_files_are_told_apart() {
    let missing = complaint(|t| t.retain(|tensor| tensor.0 != "ema.layers.1.bias"));
    assert!(
        missing.contains("no tensor `ema.layers.1.bias`"),
        "{missing}"
    );
    let gap = complaint(|t| t.retain(|tensor| tensor.0 != "layers.1.weight"));
    assert!(gap.contains("no tensor `layers.1.weight`"), "{gap}");
    let half = complaint(|t| t.retain(|tensor| tensor.0 != "adam_v.layers.0.weight"));
    assert!(
        half.contains("no tensor `adam_v.layers.0.weight`"),
        "{half}"
    );
    let foreign = complaint(|t| {
        t.clear();
        t.push(("encoder.weight".into(), Dtype::F32, vec![1], vec![0; 4]));
    });
    assert!(foreign.contains("no tensor `layers.0.weight`"), "{foreign}");
    let turned = complaint(|t| named(t, "layers.0.weight").2.reverse());
    assert!(
        turned.contains("`layers.1.weight`") && turned.contains("[32, 32]"),
        "{turned}"
    );
    let short = complaint(|t| {
        let tensor = named(t, "ema.layers.0.bias");
        (tensor.2, tensor.3) = (vec![31], vec![0; 124]);
    });
    assert!(
        short.contains("`ema.layers.0.bias` has the shape [31] where [32]"),
        "{short}"
    );
    let half_precision = complaint(|t| {
        let tensor = named(t, "layers.0.bias");
        (tensor.1, tensor.3) = (Dtype::F16, vec![0; 64]);
    });
    assert!(
        half_precision.contains("`layers.0.bias` holds F16"),
        "{half_precision}"
    );
    let nan = complaint(|t| {
        named(t, "ema.layers.2.weight").3[..4].copy_from_slice(&f32::NAN.to_le_bytes());
    });
    assert!(
        nan.contains("`ema.layers.2.weight` holds numbers that are not finite"),
        "{nan}"
    );
}

#[test]
fn a_model_is_finite_where_all_of_its_vectors_are() {
    assert!(state().is_finite());
    let vectors: [fn(&mut ModelState) -> &mut Vec<f32>; 4] = [
        |s| &mut s.weights,
        |s| &mut s.ema,
        |s| &mut s.adam_m,
        |s| &mut s.adam_v,
    ];
    for vector in vectors {
        for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            for place in [0, SHAPE.parameters() - 1] {
                let mut state = state();
                vector(&mut state)[place] = bad;
                assert!(!state.is_finite());
            }
        }
    }
}

#[test]
fn our_models_are_told_from_those_of_others() {
    let is = |bytes: &[u8]| is_model(&mut &bytes[..]).unwrap();
    let ours = to_bytes(SHAPE, &state(), "{}", None).unwrap();
    assert!(
        is(&ours) && is(&ours[..ours.len() / 2]),
        "cut short it is ours all the same"
    );
    let file = write(&tensors(), &[]);
    assert!(
        !is(&std::fs::read(file.path()).unwrap()),
        "other people's networks have layers too"
    );
    for other in [
        &b""[..],
        b"1234567",
        b"x,y\n1,2\n3,4\n",
        &[0xFF; 100],
        &[0; 100],
    ] {
        assert!(!is(other));
    }
}

#[test]
fn metadata_must_be_there() {
    for metadata in [&GOOD[..1], &GOOD[1..], &[GOOD[0], ("step", "many")]] {
        let text = load(write(&tensors(), metadata).path())
            .unwrap_err()
            .to_string();
        assert!(text.contains("metadata has no usable `"), "{text}");
    }
}

#[test]
fn other_files_and_none_are_refused() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let good = to_bytes(SHAPE, &state(), "{}", None).unwrap();
    for bytes in [
        &b""[..],
        b"x,y\n1,2\n",
        &good[..good.len() - 1],
        &good[..100],
    ] {
        std::fs::write(file.path(), bytes).unwrap();
        let text = load(file.path()).unwrap_err().to_string();
        assert!(
            text.contains("not a whole safetensors file") && !text.contains('\n'),
            "{text}"
        );
    }
    file.as_file().set_len(MAX_BYTES + 1).unwrap();
    assert!(matches!(
        load(file.path()).unwrap_err().fault,
        Fault::TooLarge(_)
    ));
    let nowhere = file.path().with_extension("nowhere");
    assert!(
        load(&nowhere)
            .unwrap_err()
            .to_string()
            .contains("there is no such file")
    );
}

#[test]
fn the_experiment_must_agree_with_the_tensors() {
    let file = write(&tensors(), &GOOD);
    let deeper = NetworkShape { depth: 3, ..SHAPE };
    let text = load(file.path())
        .unwrap()
        .into_state(deeper)
        .unwrap_err()
        .to_string();
    assert!(
        text.contains("3 layers where its experiment has 4"),
        "{text}"
    );
    let sharper = NetworkShape {
        octaves: 2,
        ..SHAPE
    };
    let text = load(file.path())
        .unwrap()
        .into_state(sharper)
        .unwrap_err()
        .to_string();
    assert!(text.contains("[32, 70] where [32, 74]"), "{text}");
}
