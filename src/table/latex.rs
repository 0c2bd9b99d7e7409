//! Tables as LaTeX: a `tabular` with the rules of the package booktabs, for papers.

use std::fmt::Write as _;

/// Text without LaTeX commands; a number's minus becomes a proper minus sign.
pub(super) fn escaped(text: &str) -> String {
    let is_negative = |rest: &str| rest.starts_with(|digit: char| digit.is_ascii_digit());
    let (minus, text) = match text.strip_prefix('-').filter(|rest| is_negative(rest)) {
        Some(rest) => ("$-$", rest),
        None => ("", text),
    };
    let mut out = minus.to_owned();
    for letter in text.chars() {
        match letter {
            '&' | '%' | '$' | '#' | '_' | '{' | '}' => out.extend(['\\', letter]),
            '\\' => out += "\\textbackslash{}",
            '~' => out += "\\textasciitilde{}",
            '^' => out += "\\textasciicircum{}",
            _ => out.push(letter),
        }
    }
    out
}

/// Escaped cells under their heads; `right` columns are aligned right, and a line is drawn before
/// each row of `rules`.
pub(super) fn tabular(
    heads: &[String],
    cells: &[Vec<String>],
    right: &[bool],
    rules: &[usize],
) -> String {
    let columns: String = right.iter().map(|&right| if right { 'r' } else { 'l' }).collect();
    let heads = heads.join(" & ");
    let mut out = format!("\\begin{{tabular}}{{{columns}}}\n\\toprule\n{heads} \\\\\n\\midrule\n");
    for (at, row) in cells.iter().enumerate() {
        if at > 0 && rules.contains(&at) {
            out += "\\midrule\n";
        }
        let _ = writeln!(out, "{} \\\\", row.join(" & "));
    }
    out + "\\bottomrule\n\\end{tabular}\n"
}

#[cfg(test)]
mod tests {
    use super::escaped;

    #[test]
    fn nothing_is_a_command() {
        assert_eq!(
            escaped("a_b & 5 % {x} \\y ~^"),
            concat!(
                "a\\_b \\& 5 \\% \\{x\\} \\textbackslash{}y ",
                "\\textasciitilde{}\\textasciicircum{}"
            )
        );
        assert_eq!([escaped("-5"), escaped("last-n"), escaped("-x")], ["$-$5", "last-n", "-x"]);
    }
}
