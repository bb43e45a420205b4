//! The plan of the house, held by reading it: which crate may use which, that no files use one another in a circle, and that
//! each file reads in one sitting.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
/// Lines of the longest file.
const LONGEST: usize = 500;

/// A crate: its folder, the members it may use, and what it must not name.
struct Room {
    name: &'static str,
    folder: &'static str,
    may_use: &'static [&'static str],
    never: &'static [&'static str],
}

const MEMBERS: [&str; 4] = ["maths", "engine", "lab", "ui"];
const WINDOW: &[&str] = &["egui", "eframe", "egui_plot", "egui-wgpu", "winit"];
const NO_DEVICE: &[&str] = &["wgpu", "egui", "eframe", "egui_plot", "egui-wgpu", "winit"];

const HOUSE: [Room; 5] = [
    Room {
        name: "maths",
        folder: "src/maths",
        may_use: &[],
        never: NO_DEVICE,
    },
    Room {
        name: "engine",
        folder: "src/engine",
        may_use: &["maths"],
        never: WINDOW,
    },
    Room {
        name: "lab",
        folder: "src/lab",
        may_use: &["maths", "engine"],
        never: NO_DEVICE,
    },
    Room {
        name: "ui",
        folder: "src/ui",
        may_use: &["maths", "engine", "lab"],
        never: &[],
    },
    Room {
        name: "noise-compass",
        folder: ".",
        may_use: &MEMBERS,
        never: NO_DEVICE,
    },
];

/// The names under `[dependencies]` of a manifest.
fn dependencies(manifest: &str) -> BTreeSet<String> {
    let lines = manifest
        .lines()
        .map(str::trim)
        .skip_while(|line| *line != "[dependencies]")
        .skip(1);
    let own = lines.take_while(|line| !line.starts_with('['));
    let names = own
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split(['.', '=', ' ']).next());
    names
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect()
}

/// What a crate's manifest names and must not.
fn forbidden(room: &Room, manifest: &str) -> Vec<String> {
    let arrow_back = |name: &str| MEMBERS.contains(&name) && !room.may_use.contains(&name);
    dependencies(manifest)
        .into_iter()
        .filter(|name| arrow_back(name) || room.never.contains(&&**name))
        .collect()
}

/// Every Rust file under a folder; of the root package those that are no member's.
fn files(room: &Room) -> Vec<PathBuf> {
    fn walk(folder: &Path, skip: &[PathBuf], found: &mut Vec<PathBuf>) {
        let mut entries: Vec<_> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        entries.sort();
        for path in entries {
            if path.is_dir() && !skip.contains(&path) {
                walk(&path, skip, found);
            } else if path.extension().is_some_and(|end| end == "rs") {
                found.push(path);
            }
        }
    }
    let members: Vec<PathBuf> = MEMBERS
        .iter()
        .map(|member| Path::new(ROOT).join("src").join(member))
        .collect();
    let (folder, skip): (PathBuf, &[PathBuf]) = if room.folder == "." {
        (Path::new(ROOT).join("src"), &members)
    } else {
        (Path::new(ROOT).join(room.folder), &[])
    };
    let mut found = Vec::new();
    walk(&folder, skip, &mut found);
    assert!(!found.is_empty(), "{} has no files", room.name);
    found
}

/// A file without comments, and without its tests, which stand at its end.
fn code(text: &str) -> String {
    let own = text
        .split("\n#[cfg(test)]\nmod ")
        .next()
        .unwrap_or_default();
    own.lines()
        .map(|line| line.split("//").next().unwrap_or_default())
        .collect::<Vec<_>>()
        .join("\n")
}

/// The members that a text names at the head of a path.
fn named_members(text: &str) -> BTreeSet<&'static str> {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let at_head = |at: usize| !text[..at].ends_with("::") && !text[..at].ends_with(is_word);
    let names = |member: &str| {
        text.match_indices(&format!("{member}::"))
            .any(|(at, _)| at_head(at))
    };
    MEMBERS.into_iter().filter(|member| names(member)).collect()
}

/// The module of a file in its crate: `["data", "table"]`.
fn module(folder: &Path, file: &Path) -> Vec<String> {
    let inside = file.strip_prefix(folder).unwrap().with_extension("");
    let mut parts: Vec<String> = inside
        .iter()
        .map(|part| part.to_str().unwrap().to_owned())
        .collect();
    parts.pop_if(|last| *last == "mod" || *last == "lib");
    parts
}

/// The paths that begin with `crate` or `super` in a file's code, lists taken apart, as modules from the crate's root.
fn used(code: &str, module: &[String]) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    for (at, head) in code
        .match_indices("crate::")
        .chain(code.match_indices("super::"))
    {
        let before = &code[..at];
        if before.ends_with("::")
            || before.ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == '$')
        {
            continue;
        }
        let end = |c: char| !(c.is_alphanumeric() || c == '_' || c == ':');
        let rest = &code[at..];
        let path = &rest[..rest.find(end).unwrap_or(rest.len())];
        let list = rest[path.len()..]
            .strip_prefix('{')
            .and_then(|list| list.split('}').next())
            .unwrap_or_default();
        let mut base = if head == "crate::" {
            Vec::new()
        } else {
            module.to_vec()
        };
        for part in path.split("::").filter(|part| !part.is_empty()) {
            match part {
                "crate" => {}
                "super" => drop(base.pop()),
                part => base.push(part.to_owned()),
            }
        }
        let items = list
            .split(',')
            .map(str::trim)
            .filter(|item| !item.is_empty());
        let heads = items.map(|item| item.split("::").next().unwrap_or_default().to_owned());
        let before = found.len();
        found.extend(heads.map(|item| base.iter().cloned().chain([item]).collect()));
        if found.len() == before {
            found.push(base);
        }
    }
    found
}

/// Of each module those that it uses: the longest beginning of a path that is a module. Parents are no use: they declare.
fn graph(
    modules: &BTreeMap<Vec<String>, String>,
) -> BTreeMap<&Vec<String>, BTreeSet<&Vec<String>>> {
    let longest = |path: &[String]| {
        (1..=path.len())
            .rev()
            .find_map(|n| modules.get_key_value(&path[..n]).map(|(m, _)| m))
    };
    let uses = |module: &Vec<String>, code: &str| {
        let paths = used(code, module);
        paths
            .iter()
            .filter_map(|path| longest(path))
            .filter(|other| *other != module)
            .collect()
    };
    modules
        .iter()
        .map(|(module, code)| (module, uses(module, code)))
        .collect()
}

/// A module that uses itself by way of others, if there is one, with that way.
fn circle(modules: &BTreeMap<Vec<String>, String>) -> Option<String> {
    let graph = graph(modules);
    for start in graph.keys() {
        // Breadth first, with the module that each was reached from.
        let mut from: BTreeMap<&Vec<String>, &Vec<String>> = BTreeMap::new();
        let mut edge = vec![*start];
        while let Some(at) = edge.pop() {
            for next in &graph[at] {
                if next == start {
                    let mut way = vec![start.join("::"), at.join("::")];
                    let mut at = at;
                    while let Some(before) = from.get(at) {
                        way.push(before.join("::"));
                        at = before;
                    }
                    way.reverse();
                    return Some(way.join(" → "));
                }
                if !from.contains_key(next) {
                    from.insert(next, at);
                    edge.push(next);
                }
            }
        }
    }
    None
}

fn modules(room: &Room) -> BTreeMap<Vec<String>, String> {
    let folder = Path::new(ROOT).join(if room.folder == "." {
        "src"
    } else {
        room.folder
    });
    let file = |path: PathBuf| {
        (
            module(&folder, &path),
            code(&fs::read_to_string(&path).unwrap()),
        )
    };
    files(room).into_iter().map(file).collect()
}

#[test]
fn manifests_name_what_is_allowed() {
    for room in &HOUSE {
        let manifest =
            fs::read_to_string(Path::new(ROOT).join(room.folder).join("Cargo.toml")).unwrap();
        assert_eq!(
            forbidden(room, &manifest),
            Vec::<String>::new(),
            "{}",
            room.name
        );
    }
    let planted = "[package]\n[dependencies]\nmaths.workspace = true\nlab = { path = \"../lab\" }\nwgpu = \"30\"\n[lints]\n";
    assert_eq!(forbidden(&HOUSE[0], planted), ["lab", "maths", "wgpu"]);
    assert_eq!(forbidden(&HOUSE[1], planted), ["lab"]);
    assert_eq!(forbidden(&HOUSE[3], planted), Vec::<String>::new());
}

#[test]
fn files_name_the_crates_that_are_allowed() {
    for room in &HOUSE {
        for file in files(room) {
            let text = fs::read_to_string(&file).unwrap();
            let named = named_members(&code(&text));
            let allowed = |member: &&str| room.may_use.contains(member);
            assert!(
                named.iter().all(allowed),
                "{} names {named:?}",
                file.display()
            );
        }
    }
    let planted = "use lab::message::Order;\nuse crate::ui::strip;\nlet maths = build::engine::x(); // ui::app\n";
    assert_eq!(named_members(&code(planted)), BTreeSet::from(["lab"]));
}

/// Files of the window that may name wgpu: those that paint, and the one that minds the window's surface.
const NAME_WGPU: [&str; 3] = [
    "src/ui/canvas/",
    "src/ui/shell/picture.rs",
    "src/ui/shell/event_loop.rs",
];

/// True where a text names wgpu, and not by way of egui.
fn names_wgpu(code: &str) -> bool {
    code.match_indices("wgpu::")
        .any(|(at, _)| !code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_'))
}

#[test]
fn the_window_names_wgpu_where_it_paints() {
    let ui = HOUSE.iter().find(|room| room.name == "ui").unwrap();
    for file in files(ui) {
        let inside = file.strip_prefix(ROOT).unwrap().to_str().unwrap();
        let code = code(&fs::read_to_string(&file).unwrap());
        let may = NAME_WGPU.iter().any(|allowed| inside.starts_with(allowed));
        assert!(may || !names_wgpu(&code), "{inside} names wgpu");
    }
    assert!(
        names_wgpu("let format: Option<wgpu::TextureFormat>;")
            && !names_wgpu("use eframe::egui_wgpu::Renderer;")
    );
}

#[test]
fn no_files_use_one_another_in_a_circle() {
    for room in &HOUSE {
        assert_eq!(circle(&modules(room)), None, "{}", room.name);
    }
    let planted = [
        ("a", "use super::b::{self, Thing};"),
        ("b", "use crate::c::d::Other;"),
        ("c::d", "fn f() { super::super::a::run() }"),
        ("c", "mod d;"),
    ];
    let split = |(name, code): (&str, &str)| {
        (
            name.split("::").map(str::to_owned).collect(),
            code.to_owned(),
        )
    };
    let mut planted: BTreeMap<Vec<String>, String> = planted.into_iter().map(split).collect();
    assert_eq!(circle(&planted).as_deref(), Some("a → b → c::d → a"));
    planted.insert(vec!["b".into()], "use std::fmt;".into());
    assert_eq!(circle(&planted), None);
}

#[test]
fn a_file_reads_in_one_sitting() {
    let all: Vec<PathBuf> = HOUSE.iter().flat_map(files).collect();
    let lines = |file: &PathBuf| fs::read_to_string(file).unwrap().lines().count();
    let long: Vec<_> = all
        .iter()
        .map(|file| (lines(file), file))
        .filter(|(lines, _)| *lines > LONGEST)
        .collect();
    assert!(long.is_empty(), "longer than {LONGEST} lines: {long:?}");
}
