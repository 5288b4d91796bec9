//! `GET /login`: the ways to log in that [`super::login`] takes.

use http_edge::{Matrix, MatrixResponse};
use ruma::api::client::session::get_login_types::v3::{
    LoginType, PasswordLoginType, Request, Response,
};

pub(crate) async fn get_login_types(_: Matrix<Request>) -> MatrixResponse<Response> {
    let password = LoginType::Password(PasswordLoginType::new());
    MatrixResponse(Response::new(vec![password]))
}
