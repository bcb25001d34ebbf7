//! One picture: lines over logarithmic axes, with their spread, a legend, and colours that can be read in
//! light and in dark.
//!
//! `plotters` draws, as SVG. It writes colours into the elements; a style sheet that is put in afterwards
//! gives paper, ink and grid other colours where the reader's scheme is dark (attributes are weaker than
//! any style, so no element has to be touched). Lines have colours that stand out on both.

use std::ops::Range;
use std::path::Path;

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

/// Width and height of one panel, and of the legend beside the last one, in pixels.
const PANEL: (u32, u32) = (560, 420);
const LEGEND: u32 = 200;

const PAPER: RGBColor = RGBColor(0xff, 0xff, 0xff);
const INK: RGBColor = RGBColor(0x1f, 0x23, 0x28);
const GRID: RGBColor = RGBColor(0xd8, 0xde, 0xe4);

/// What the three are in a dark scheme.
const DARK: &str = "<style>text{font-family:system-ui,sans-serif}\
@media (prefers-color-scheme:dark){\
[fill=\"#FFFFFF\"]{fill:#0d1117}[fill=\"#1F2328\"]{fill:#e6edf3}[stroke=\"#1F2328\"]{stroke:#8b949e}\
[stroke=\"#D8DEE4\"]{stroke:#30363d}}</style>";

/// After Okabe and Ito, 2008, told apart by colour-blind readers as well; a little lighter where the
/// original does not stand out on dark.
const COLOURS: [RGBColor; 8] = [
    RGBColor(0xe0, 0x5a, 0x00),
    RGBColor(0x1f, 0x8a, 0xd0),
    RGBColor(0x00, 0x9e, 0x73),
    RGBColor(0xcc, 0x79, 0xa7),
    RGBColor(0xc9, 0x8a, 0x00),
    RGBColor(0x7a, 0x84, 0x90),
    RGBColor(0x8a, 0x63, 0xd2),
    RGBColor(0x5f, 0x9e, 0x2f),
];

/// One line of a picture: what it is, and where it goes.
pub struct Line {
    pub name: String,
    /// Across, and upwards: the first quartile, the median, the third quartile.
    pub points: Vec<(f64, [f64; 3])>,
}

/// One pair of axes. Both are logarithmic.
pub struct Panel {
    pub title: String,
    pub across: String,
    pub upwards: String,
    pub lines: Vec<Line>,
}

/// Draws panels side by side; the lines of all have the same names in the same order.
///
/// # Errors
///
/// A line about the file that could not be written.
pub fn draw(path: &Path, panels: &[Panel]) -> Result<(), String> {
    let mut svg = String::new();
    let size = (PANEL.0 * panels.len() as u32 + LEGEND, PANEL.1);
    {
        let root = SVGBackend::with_string(&mut svg, size).into_drawing_area();
        paint(&root, panels).map_err(|error| format!("{}: {error}", path.display()))?;
    }
    // After the opening tag.
    let at = svg
        .find("<svg")
        .and_then(|at| Some(at + svg[at..].find('>')? + 1));
    svg.insert_str(at.unwrap_or(0), DARK);
    std::fs::write(path, svg).map_err(|error| format!("{}: {error}", path.display()))
}

type Area<'a> = DrawingArea<SVGBackend<'a>, plotters::coord::Shift>;
type Drawn = Result<(), Box<dyn std::error::Error>>;

fn paint(root: &Area<'_>, panels: &[Panel]) -> Drawn {
    root.fill(&PAPER)?;
    let (pictures, legend) = root.split_horizontally(PANEL.0 * panels.len() as u32);
    let areas = pictures.split_evenly((1, panels.len()));
    for (panel, area) in panels.iter().zip(&areas) {
        paint_panel(area, panel)?;
    }
    paint_legend(&legend, panels)?;
    root.present()?;
    Ok(())
}

fn paint_panel(area: &Area<'_>, panel: &Panel) -> Drawn {
    const DOT: i32 = 3;
    let points = || panel.lines.iter().flat_map(|line| &line.points);
    let across = decades(points().map(|(x, _)| *x));
    let upwards = decades(points().flat_map(|(_, ys)| *ys));
    let style = |size: u32| ("sans-serif", size).into_font().color(&INK);
    let mut chart = ChartBuilder::on(area)
        .caption(&panel.title, style(20))
        .margin(14)
        .x_label_area_size(52)
        .y_label_area_size(70)
        .build_cartesian_2d(across.log_scale(), upwards.log_scale())?;
    chart
        .configure_mesh()
        .x_desc(format!("{}, logarithmic", panel.across))
        .y_desc(format!("{}, logarithmic", panel.upwards))
        .axis_desc_style(style(17))
        .label_style(style(15))
        .axis_style(INK)
        .bold_line_style(GRID)
        .light_line_style(TRANSPARENT)
        .x_label_formatter(&|value| short(*value))
        .y_label_formatter(&|value| short(*value))
        .draw()?;
    let coloured: Vec<_> = panel.lines.iter().zip(COLOURS.iter().cycle()).collect();
    // The first, which is ours, comes last: it lies above the others.
    for (line, colour) in coloured.into_iter().rev() {
        let middle = line.points.iter().map(|(x, ys)| (*x, ys[1]));
        chart.draw_series(LineSeries::new(middle.clone(), colour.stroke_width(2)))?;
        chart.draw_series(middle.map(|at| Circle::new(at, DOT, colour.filled())))?;
        let spread = line
            .points
            .iter()
            .map(|(x, ys)| PathElement::new([(*x, ys[0]), (*x, ys[2])], colour.stroke_width(1)));
        chart.draw_series(spread)?;
    }
    Ok(())
}

/// A sample of each line and its name, from the top.
fn paint_legend(area: &Area<'_>, panels: &[Panel]) -> Drawn {
    const TOP: i32 = 60;
    const STEP: i32 = 24;
    const SAMPLE: i32 = 26;
    let anchor = Pos::new(HPos::Left, VPos::Center);
    let style = ("sans-serif", 17).into_font().color(&INK).pos(anchor);
    let lines = panels.first().map_or(&[][..], |panel| &panel.lines);
    for (at, (line, colour)) in lines.iter().zip(COLOURS.iter().cycle()).enumerate() {
        let y = TOP + STEP * at as i32;
        area.draw(&PathElement::new(
            [(4, y), (4 + SAMPLE, y)],
            colour.stroke_width(2),
        ))?;
        area.draw(&Circle::new((4 + SAMPLE / 2, y), 3, colour.filled()))?;
        area.draw_text(&line.name, &style, (4 + SAMPLE + 8, y))?;
    }
    Ok(())
}

/// From the power of ten below the least to the one above the greatest; what is not above zero has no
/// place on such an axis.
fn decades(values: impl Iterator<Item = f64>) -> Range<f64> {
    let (mut low, mut high) = (f64::INFINITY, 0.0_f64);
    for value in values.filter(|value| *value > 0.0) {
        low = low.min(value);
        high = high.max(value);
    }
    if high == 0.0 {
        return 1.0..10.0;
    }
    let low = 10_f64.powf(low.log10().floor());
    let high = 10_f64.powf(high.log10().ceil());
    if low < high {
        low..high
    } else {
        low..low * 10.0
    }
}

/// `10,000` as `10k`.
fn short(value: f64) -> String {
    match value {
        value if value >= 1e6 => format!("{}M", value / 1e6),
        value if value >= 1e3 => format!("{}k", value / 1e3),
        value => format!("{value}"),
    }
}
