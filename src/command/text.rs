//! Prose for terminals.

/// The words of `text` in lines of up to 80 characters, each behind `margin` spaces and ended.
pub(super) fn wrapped(text: &str, margin: usize) -> String {
    const WIDTH: usize = 80;
    let indent = " ".repeat(margin);
    let mut out = String::new();
    let mut line = String::new();
    for word in text.split_whitespace() {
        let length = margin + line.chars().count() + 1 + word.chars().count();
        if !line.is_empty() && length > WIDTH {
            out.extend([&indent, line.as_str(), "\n"]);
            line.clear();
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    out + &format!("{indent}{line}\n")
}
