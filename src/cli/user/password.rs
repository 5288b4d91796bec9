//! Where `chancery user` gets passwords: from a file or a terminal, never from an argument.

use std::path::Path;

use anyhow::Context as _;

use crate::cli::Failure;

/// Reads a password. In a file, one line end after it does not belong to it; on a terminal it is
/// asked for twice.
pub(super) fn read(file: Option<&Path>) -> anyhow::Result<String> {
    let password = match file {
        Some(path) => {
            let text = std::fs::read_to_string(path)
                .with_context(|| format!("cannot read the password from {}", path.display()))?;
            without_line_end(&text).to_owned()
        }
        None => ask()?,
    };
    if password.is_empty() {
        return Err(Failure::new("the password is empty", "give one").into());
    }
    Ok(password)
}

fn ask() -> anyhow::Result<String> {
    let no_terminal =
        |_| Failure::new("there is no terminal to ask for the password on", "give --password-file");
    let password = rpassword::prompt_password("Password: ").map_err(no_terminal)?;
    let again = rpassword::prompt_password("Once more: ").map_err(no_terminal)?;
    if password == again {
        Ok(password)
    } else {
        Err(Failure::new("the two passwords differ", "try again").into())
    }
}

fn without_line_end(text: &str) -> &str {
    let text = text.strip_suffix('\n').unwrap_or(text);
    text.strip_suffix('\r').unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_files_last_line_end_is_not_part_of_the_password() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("password");
        for (text, password) in
            [("geheim\n", "geheim"), ("geheim\r\n", "geheim"), (" a b ", " a b ")]
        {
            std::fs::write(&path, text).expect("written");
            assert_eq!(read(Some(&path)).expect("a password"), password);
        }
        std::fs::write(&path, "\n").expect("written");
        assert!(read(Some(&path)).is_err());
    }
}
