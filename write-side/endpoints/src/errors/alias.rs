//! Refusals of commands on a room alias, as Matrix's errors.

use decide::alias::AliasRefusal;
use http_edge::MatrixError;

use super::Refusal;

impl Refusal for AliasRefusal {
    fn to_matrix(&self) -> MatrixError {
        match self {
            Self::Taken => MatrixError::conflict("This room alias points to a room already"),
            Self::NotFound => MatrixError::not_found("There is no such room alias"),
            Self::NotOurs => MatrixError::invalid_param("This is no room alias of this server"),
            Self::Forbidden => MatrixError::forbidden("You may not change this room alias"),
            Self::Exclusive => {
                MatrixError::exclusive("This room alias is reserved by an application service")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::errors::tests::line;

    #[test]
    fn the_table_of_refusals_about_aliases() {
        let all = [
            AliasRefusal::Taken,
            AliasRefusal::NotFound,
            AliasRefusal::NotOurs,
            AliasRefusal::Forbidden,
            AliasRefusal::Exclusive,
        ];
        insta::assert_snapshot!(all.iter().map(line).collect::<Vec<_>>().join("\n"));
    }
}
