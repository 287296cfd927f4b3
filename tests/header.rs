//! The checked-in C header is the one that the sources make, and the guide's lists are the header's. `make header` renews them.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

fn made() -> String {
    let made = Path::new(env!("OUT_DIR")).join("tacita.h");
    fs::read_to_string(made).expect("the build has warned why it could not make the header")
}

fn renew() -> bool {
    std::env::var_os("TACITA_WRITE_HEADER").is_some()
}

#[test]
fn the_checked_in_header_is_the_one_that_the_sources_make() {
    let (checked_in, made) = (file("include/tacita.h"), made());
    if renew() {
        fs::create_dir_all(checked_in.parent().expect("it is in a folder")).expect("the folder can be made");
        fs::write(&checked_in, made).expect("the header can be written");
        return;
    }
    let found = fs::read_to_string(checked_in).unwrap_or_default();
    let first = found.lines().zip(made.lines()).position(|(found, made)| found != made);
    let line = 1 + first.unwrap_or(found.lines().count().min(made.lines().count()));
    assert!(found == made, "include/tacita.h differs from what the sources make, from line {line} on; run make header");
}

/// A comment of the header as one line, and what it stands before.
fn comments(header: &str) -> Vec<(String, &str)> {
    let parts = header.split("/**").skip(1).filter_map(|part| part.split_once("*/"));
    let line = |comment: &str| {
        let lines = comment.lines().map(|line| line.trim().trim_start_matches('*').trim());
        lines.filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" ")
    };
    parts.map(|(comment, after)| (line(comment), after.trim_start())).collect()
}

/// The statuses: number, name and meaning.
fn statuses(header: &str) -> Vec<(u32, String, String)> {
    let status = |(comment, after): (String, &str)| {
        let (name, number) = after.lines().next()?.trim().trim_end_matches(',').split_once(" = ")?;
        Some((number.parse().ok()?, name.strip_prefix("TACITA_STATUS_")?.to_owned(), comment))
    };
    comments(header).into_iter().filter_map(status).collect()
}

/// The guide's lists: of the functions, section by section, and of the statuses.
fn reference(header: &str) -> String {
    let mut text = String::new();
    for section in header.split("/* ==== ").skip(1) {
        let (title, section) = section.split_once(". ==== */").expect("a heading ends");
        let _ = writeln!(text, "\n### {title}\n\n| function | what it does | fails with |\n|---|---|---|");
        for (comment, after) in comments(section) {
            let declaration = after.split(';').next().unwrap_or_default();
            let Some((before, parameters)) = declaration.split_once('(') else { continue };
            let name = &before[before.rfind("tacita_").expect("a function of ours")..];
            let parameters = parameters.trim_end_matches(')').split(',').filter(|parameter| *parameter != "void");
            let parameter = |parameter: &str| {
                let parameter = parameter.split('[').next().unwrap_or_default();
                parameter.rsplit([' ', '*']).next().unwrap_or_default().to_owned()
            };
            let parameters = parameters.map(parameter).collect::<Vec<_>>().join(", ");
            let what = comment.split(". ").next().unwrap_or_default().trim_end_matches('.').replace('|', "\\|");
            let fails = match comment.split_once("Fails with: ") {
                Some((_, fails)) => fails.trim_end_matches('.').replace('|', "\\|"),
                None => "never fails".into(),
            };
            let _ = writeln!(text, "| `{name}({parameters})` | {what} | {fails} |");
        }
    }
    text += "\n### Statuses\n\n| number | `TACITA_STATUS_...` | meaning |\n|---|---|---|\n";
    for (number, name, meaning) in statuses(header) {
        let _ = writeln!(text, "| {number} | `{name}` | {meaning} |");
    }
    text
}

#[test]
fn the_guide_lists_every_function_with_its_statuses() {
    const START: &str = "<!-- what follows is made by `make header` -->";
    const END: &str = "<!-- end of what is made -->";
    let path = file("docs/c-guide.md");
    let guide = fs::read_to_string(&path).unwrap();
    let (before, rest) = guide.split_once(START).expect("the guide has a place for its lists");
    let (_, after) = rest.split_once(END).expect("the place has an end");
    let made = format!("{before}{START}\n{}\n{END}{after}", reference(&made()));
    if renew() {
        fs::write(path, made).expect("the guide can be written");
        return;
    }
    assert!(guide == made, "docs/c-guide.md has other lists than the header; run make header");
}

/// The statuses that a function says it fails with.
fn fails_with<'a>(functions: &[(&'a str, &'a str)], name: &str) -> Vec<&'a str> {
    let (_, comment) = functions.iter().find(|(found, _)| *found == name).expect("a function of the header");
    let fails = comment.split_once("Fails with: ").map_or("", |(_, fails)| fails);
    fails.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').collect()
}

#[test]
fn what_the_c_tests_see_is_what_the_functions_say_they_fail_with() {
    let header = made();
    let comments = comments(&header);
    let functions: Vec<_> = comments
        .iter()
        .filter_map(|(comment, after)| {
            let before = after.split(';').next()?.split_once('(')?.0;
            Some((&before[before.rfind("tacita_")?..], comment.as_str()))
        })
        .collect();
    let mut seen = 0;
    for test in file("c-examples/tests").read_dir().unwrap() {
        let source = fs::read_to_string(test.unwrap().path()).unwrap();
        for (at, _) in source.match_indices("REFUSED(") {
            let (before, rest) = (&source[..at], &source[at + "REFUSED(".len()..]);
            let (status, call) = match before {
                _ if before.ends_with("#define ") || before.ends_with("#define NULL_") => continue,
                _ if before.ends_with("NULL_") => ("NULL_POINTER", rest),
                _ => rest.split_once(',').expect("a status and a call"),
            };
            let status = if before.ends_with("WRONG_") { "WRONG_HANDLE" } else { status };
            let Some((name, _)) = call.trim_start().split_once('(') else { continue };
            if name.starts_with("tacita_") && functions.iter().any(|(found, _)| *found == name) {
                seen += 1;
                assert!(
                    fails_with(&functions, name).contains(&status),
                    "{name} does not say that it fails with {status}"
                );
            }
        }
    }
    assert!(seen > 500, "only {seen} calls that are refused were found");
}

#[test]
fn functions_name_statuses_that_there_are_and_how_threads_may_share_them() {
    let header = made();
    let statuses = statuses(&header);
    assert!(statuses.len() > 30);
    let mut functions = 0;
    for (comment, after) in comments(&header) {
        let declaration = after.split(';').next().unwrap_or_default();
        if !declaration.contains('(')
            || declaration.starts_with('#')
            || declaration.contains("typedef")
            || declaration.contains('{')
        {
            continue;
        }
        functions += 1;
        assert!(comment.contains("Threads: "), "{declaration}");
        assert!(comment.contains("Fails with: ") || comment.contains("Never fails"), "{declaration}");
        let fails = comment.split("Fails with: ").nth(1).unwrap_or_default();
        let is_name = |word: &&str| word.len() > 1 && word.chars().all(|c| c.is_ascii_uppercase() || c == '_');
        let words = fails.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').filter(is_name);
        for word in words.filter(|word| !matches!(*word, "UTF" | "TACITA_BACKEND" | "POWER" | "RANDOM_BASES")) {
            assert!(statuses.iter().any(|(_, name, _)| name == word), "{word} in {declaration}");
        }
    }
    assert!(functions > 130, "{functions}");
}
