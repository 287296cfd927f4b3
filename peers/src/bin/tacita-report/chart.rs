//! Charts of two kinds, drawn on a light ground of their own, so that they can be read on dark pages too.

use std::error::Error;
use std::ops::Range;

use plotters::coord::ranged1d::{AsRangedCoord, ValueFormatter};
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

/// What draws may fail with; to memory, it does not.
pub type Result<T> = std::result::Result<T, Box<dyn Error>>;

type Area<'a> = DrawingArea<SVGBackend<'a>, plotters::coord::Shift>;

const WIDTH: u32 = 900;
const BAR: i32 = 13;
const GAP: i32 = 9;
const HEAD: i32 = 64;
const FOOT: i32 = 62;
const GROUND: RGBColor = RGBColor(252, 252, 250);
const INK: RGBColor = RGBColor(34, 34, 34);
const RULE: RGBColor = RGBColor(215, 215, 212);

/// Who or what a colour stands for.
#[derive(Clone)]
pub struct Series {
    pub name: String,
    pub colour: RGBColor,
}

/// Title and axes.
pub struct Frame {
    pub title: String,
    /// What the horizontal axis shows, and in which unit.
    pub across: String,
    pub series: Vec<Series>,
    /// How a number on the horizontal axis reads.
    pub number: fn(f64) -> String,
}

/// A bar, of one piece or of several.
pub struct Bar {
    /// Series and length of each piece.
    pub pieces: Vec<(usize, f64)>,
    /// What stands at its end.
    pub note: String,
}

/// Bars that stand together under a name.
pub struct Group {
    pub name: String,
    pub bars: Vec<Bar>,
}

/// Where bars begin and how they grow.
pub enum Scale {
    /// From zero, with a line across all groups.
    Linear { mark: Option<f64> },
    /// Each tenfold as wide; for bars of one piece.
    Log,
}

/// Horizontal bars.
pub fn bars(frame: &Frame, groups: &[Group], scale: &Scale) -> Result<String> {
    let lengths =
        || groups.iter().flat_map(|group| &group.bars).map(|bar| bar.pieces.iter().map(|piece| piece.1).sum());
    let longest: f64 = lengths().fold(0.0, f64::max);
    let shortest: f64 = lengths().fold(f64::INFINITY, f64::min);
    let heights = groups.iter().map(|group| group.bars.len() as i32 * BAR + GAP).sum::<i32>();
    let names = groups.iter().map(|group| group.name.len()).max().unwrap_or(0) as i32 * 7 + 20;
    let mut svg = String::new();
    {
        let root = SVGBackend::with_string(&mut svg, (WIDTH, (HEAD + heights + FOOT) as u32)).into_drawing_area();
        head(&root, frame)?;
        let rows = f64::from(heights)..0.0;
        match scale {
            Scale::Linear { mark } => {
                let reach = 0.0..longest.max(mark.unwrap_or(0.0)) * 1.16;
                draw_bars(&root, frame, groups, names, reach, rows, *mark)?;
            }
            Scale::Log => {
                let reach = (10f64.powf(shortest.log10().floor())..longest * 8.0).log_scale();
                draw_bars(&root, frame, groups, names, reach, rows, None)?;
            }
        }
        root.present()?;
    }
    Ok(svg)
}

fn draw_bars<X>(
    root: &Area,
    frame: &Frame,
    groups: &[Group],
    names: i32,
    reach: X,
    rows: Range<f64>,
    mark: Option<f64>,
) -> Result<()>
where
    X: AsRangedCoord<Value = f64>,
    X::CoordDescType: ValueFormatter<f64>,
{
    let mut chart = ChartBuilder::on(root)
        .margin_top(HEAD)
        .margin_right(14)
        .margin_bottom(8)
        .set_label_area_size(LabelAreaPosition::Left, names)
        .set_label_area_size(LabelAreaPosition::Bottom, FOOT - 8)
        .build_cartesian_2d(reach, rows.clone())?;
    let number = |x: &f64| (frame.number)(*x);
    chart
        .configure_mesh()
        .disable_y_mesh()
        .y_labels(0)
        .x_labels(9)
        .light_line_style(TRANSPARENT)
        .bold_line_style(RULE)
        .axis_style(INK)
        .label_style(font(12))
        .x_label_formatter(&number)
        .x_desc(&frame.across)
        .axis_desc_style(font(13))
        .draw()?;
    let start = chart.x_range().start;
    let mut y = f64::from(GAP) / 2.0;
    for group in groups {
        let middle = y + group.bars.len() as f64 * f64::from(BAR) / 2.0;
        let (left, place) = chart.backend_coord(&(start, middle));
        root.draw_text(&group.name, &aligned(13, HPos::Right), (left - 8, place))?;
        for bar in &group.bars {
            let mut x = start;
            for &(series, length) in &bar.pieces {
                let end = if x == start && start > 0.0 { length } else { x + length };
                let colour = frame.series[series].colour.filled();
                chart.draw_series([Rectangle::new([(x, y + 1.0), (end, y + f64::from(BAR) - 1.0)], colour)])?;
                x = end;
            }
            let (right, place) = chart.backend_coord(&(x, y + f64::from(BAR) / 2.0));
            root.draw_text(&bar.note, &aligned(11, HPos::Left), (right + 4, place))?;
            y += f64::from(BAR);
        }
        y += f64::from(GAP);
    }
    if let Some(mark) = mark {
        chart.draw_series([PathElement::new([(mark, rows.start), (mark, rows.end)], INK.stroke_width(2))])?;
    }
    Ok(())
}

/// Lines through points, both axes logarithmic: for each series its points in rising order.
pub fn lines(frame: &Frame, up: &str, height: fn(f64) -> String, points: &[Vec<(f64, f64)>]) -> Result<String> {
    let all = || points.iter().flatten();
    let ends = |values: Vec<f64>| {
        let (least, most) =
            values.iter().fold((f64::INFINITY, 0.0f64), |(least, most), &x| (least.min(x), most.max(x)));
        (least / 1.5..most * 1.5).log_scale()
    };
    let mut svg = String::new();
    {
        let root = SVGBackend::with_string(&mut svg, (WIDTH, 440)).into_drawing_area();
        head(&root, frame)?;
        let mut chart = ChartBuilder::on(&root)
            .margin_top(HEAD)
            .margin_left(10)
            .margin_right(24)
            .margin_bottom(8)
            .set_label_area_size(LabelAreaPosition::Left, 92)
            .set_label_area_size(LabelAreaPosition::Bottom, FOOT - 8)
            .build_cartesian_2d(
                ends(all().map(|point| point.0).collect()),
                ends(all().map(|point| point.1).collect()),
            )?;
        chart
            .configure_mesh()
            .light_line_style(TRANSPARENT)
            .bold_line_style(RULE)
            .axis_style(INK)
            .label_style(font(12))
            .x_label_formatter(&|x| (frame.number)(*x))
            .y_label_formatter(&|y| height(*y))
            .x_desc(&frame.across)
            .y_desc(up)
            .axis_desc_style(font(13))
            .draw()?;
        for (series, points) in frame.series.iter().zip(points) {
            chart.draw_series(LineSeries::new(points.iter().copied(), series.colour.stroke_width(2)))?;
            chart.draw_series(points.iter().map(|&point| Circle::new(point, 4, series.colour.filled())))?;
        }
        root.present()?;
    }
    Ok(svg)
}

/// Ground, title and what the colours stand for.
fn head(root: &Area, frame: &Frame) -> Result<()> {
    root.fill(&GROUND)?;
    root.draw_text(&frame.title, &aligned(17, HPos::Left), (16, 20))?;
    let mut x = 16;
    for series in &frame.series {
        root.draw(&Rectangle::new([(x, 38), (x + 12, 50)], series.colour.filled()))?;
        root.draw_text(&series.name, &aligned(12, HPos::Left), (x + 17, 44))?;
        x += 17 + series.name.len() as i32 * 7 + 18;
    }
    Ok(())
}

fn font(size: i32) -> TextStyle<'static> {
    ("sans-serif", size).into_font().color(&INK)
}

fn aligned(size: i32, across: HPos) -> TextStyle<'static> {
    font(size).pos(Pos::new(across, VPos::Center))
}
