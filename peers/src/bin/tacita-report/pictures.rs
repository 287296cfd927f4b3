//! Which figures are drawn.

use plotters::style::RGBColor;
use tacita_peers::{RECORDS, duration};

use crate::chart::{self, Bar, Frame, Group, Result, Scale, Series};
use crate::facts::Facts;

/// The plots for which there are figures: file name and content.
pub fn all(facts: &Facts) -> Result<Vec<(&'static str, String)>> {
    let drawn = [
        ("jobs.svg", jobs(facts)?),
        ("kernels.svg", kernels(facts)?),
        ("whole.svg", whole(facts)?),
        ("batch.svg", batch(facts)?),
        ("scaling.svg", scaling(facts)?),
    ];
    Ok(drawn.into_iter().filter_map(|(name, picture)| Some((name, picture?))).collect())
}

fn series(name: &str) -> Series {
    let [r, g, b] = match name {
        "tacita/ifma" | "encrypt" | "mul" => [22, 96, 167],
        "tacita/portable" | "sqr" => [126, 178, 221],
        "fast-paillier" | "evaluate" => [213, 110, 40],
        "kzen-paillier" => [232, 174, 84],
        "gmp" => [120, 120, 120],
        "phe" => [156, 88, 146],
        "openfhe" | "decrypt" => [66, 142, 84],
        "tenseal" => [148, 198, 146],
        _ => [60, 60, 60],
    };
    Series { name: name.into(), colour: RGBColor(r, g, b) }
}

/// A round time in nanoseconds, as it stands on an axis.
fn tick(ns: f64) -> String {
    let text = duration(ns);
    match text.split_once(' ') {
        _ if ns == 0.0 => "0".into(),
        Some((number, unit)) if number.contains('.') => {
            format!("{} {unit}", number.trim_end_matches('0').trim_end_matches('.'))
        }
        _ => text,
    }
}

/// The place of a name's series, which is made if it has none yet.
fn place(all: &mut Vec<Series>, name: &str) -> usize {
    all.iter().position(|known| known.name == name).unwrap_or_else(|| {
        all.push(series(name));
        all.len() - 1
    })
}

/// Every job by everybody.
fn jobs(facts: &Facts) -> Result<Option<String>> {
    let mut names = Vec::new();
    let groups = facts.peers.jobs.iter().map(|race| {
        let bars = race
            .quickest()
            .into_iter()
            .map(|entry| Bar { pieces: vec![(place(&mut names, &entry.name), entry.ns)], note: duration(entry.ns) });
        Group { bars: bars.collect(), name: format!("{}, a {}", race.job, race.unit) }
    });
    let groups: Vec<_> = groups.collect();
    if groups.is_empty() {
        return Ok(None);
    }
    let frame = Frame {
        title: format!("The same jobs, {} bits, one thread", facts.peers.bits),
        across: "time (logarithmic)".into(),
        series: names,
        number: tick,
    };
    chart::bars(&frame, &groups, &Scale::Log).map(Some)
}

/// Kernels as shares of the schoolbook limit.
fn kernels(facts: &Facts) -> Result<Option<String>> {
    let mut names = Vec::new();
    let mut groups: Vec<Group> = Vec::new();
    for kernel in facts.bench.kernels.iter().filter(|kernel| kernel.backend == "ifma") {
        let Some(share) = kernel.share_of_schoolbook_limit else { continue };
        let name = format!("{}^2, {} bits", &kernel.modulus[..1], kernel.bits);
        let bar = Bar { pieces: vec![(place(&mut names, &kernel.op), share)], note: format!("{share:.2}") };
        match groups.iter_mut().find(|group| group.name == name) {
            Some(group) => group.bars.push(bar),
            None => groups.push(Group { name, bars: vec![bar] }),
        }
    }
    if groups.is_empty() {
        return Ok(None);
    }
    let frame = Frame {
        title: "Kernels of the engine ifma against the schoolbook limit (the line)".into(),
        across: "time over schoolbook multiply-adds times issue time".into(),
        series: names,
        number: |x| format!("{x:.1}"),
    };
    chart::bars(&frame, &groups, &Scale::Linear { mark: Some(1.0) }).map(Some)
}

/// One record from end to end, in each layout and by CKKS.
fn whole(facts: &Facts) -> Result<Option<String>> {
    let bar = |pieces: [f64; 3]| {
        let note = duration(pieces.iter().sum::<f64>() * 1e6);
        Bar { pieces: pieces.into_iter().enumerate().collect(), note }
    };
    let mut groups: Vec<_> = facts
        .wholes()
        .filter(|whole| whole.records == 1)
        .map(|whole| {
            let pool = if whole.pool { ", pool" } else { "" };
            Group { name: format!("{}{pool}", whole.layout), bars: vec![bar(whole.ms.list())] }
        })
        .collect();
    if groups.is_empty() {
        return Ok(None);
    }
    for entry in facts.peers.jobs.iter().filter(|race| race.job == "whole").flat_map(|race| race.quickest()) {
        if let (None, Some(ms)) = (&entry.engine, entry.ms) {
            groups.push(Group { name: format!("{} (CKKS)", entry.name), bars: vec![bar(ms.list())] });
        }
    }
    let frame = Frame {
        title: format!("One record, {} bits, one thread", facts.peers.bits),
        across: "time".into(),
        series: ["encrypt", "evaluate", "decrypt"].map(series).into(),
        number: |ms| tick(ms * 1e6),
    };
    chart::bars(&frame, &groups, &Scale::Linear { mark: None }).map(Some)
}

/// Time of a record against the records of a request, in the layout `records` and by CKKS.
fn batch(facts: &Facts) -> Result<Option<String>> {
    let ours = |pool: bool| {
        let mut points: Vec<_> = facts
            .wholes()
            .filter(|whole| whole.layout == "records" && whole.pool == pool)
            .map(|whole| (whole.records as f64, whole.ms.sum() * 1e6 / whole.records as f64))
            .collect();
        points.sort_by(|x, y| x.0.total_cmp(&y.0));
        points
    };
    let mut all = vec![("records", [22, 96, 167], ours(false)), ("records, pool", [126, 178, 221], ours(true))];
    let features = |whole: &&crate::facts::Whole| whole.records == 1 && whole.layout != "records" && !whole.pool;
    let single = facts.wholes().filter(features).map(|whole| whole.ms.sum() * 1e6).min_by(f64::total_cmp);
    all.extend(single.map(|ns| ("best features layout", [213, 110, 40], vec![(1.0, ns)])));
    let named = |job: &str| {
        let race = facts.peers.jobs.iter().find(|race| race.job == job)?;
        race.quickest().into_iter().find(|entry| entry.name == "openfhe").map(|entry| entry.ns)
    };
    let ckks = [(1, "whole"), (RECORDS, "whole_batch")]
        .into_iter()
        .filter_map(|(count, job)| Some((count as f64, named(job)?)))
        .collect();
    all.push(("CKKS by OpenFHE", [66, 142, 84], ckks));
    all.retain(|(_, _, points)| !points.is_empty());
    if !all.iter().any(|(_, _, points)| points.len() > 1) {
        return Ok(None);
    }
    let frame = Frame {
        title: format!("A record of a batch, {} bits, one thread", facts.peers.bits),
        across: "records in a request".into(),
        series: all
            .iter()
            .map(|&(name, [r, g, b], _)| Series { name: name.into(), colour: RGBColor(r, g, b) })
            .collect(),
        number: |count| count.to_string(),
    };
    let points: Vec<_> = all.into_iter().map(|(_, _, points)| points).collect();
    chart::lines(&frame, "time of a record", tick, &points).map(Some)
}

/// Time of a record against all records, by the commands.
fn scaling(facts: &Facts) -> Result<Option<String>> {
    let Some(scaling) = &facts.scaling else { return Ok(None) };
    let names = ["encrypt", "evaluate", "decrypt"];
    let points = names.map(|name| {
        let of = |(&count, done): (&usize, &std::collections::BTreeMap<_, crate::facts::Command>)| {
            Some((count as f64, done.get(name)?.seconds * 1e9 / count as f64))
        };
        scaling.records.iter().filter_map(of).collect::<Vec<_>>()
    });
    let frame = Frame {
        title: format!("A record of many, {} bits, all threads", scaling.bits),
        across: "records".into(),
        series: names.map(series).into(),
        number: |count| count.to_string(),
    };
    chart::lines(&frame, "time of a record", tick, &points).map(Some)
}
