//! Two people compare short strings (SAS) and sign each other's identity.

use matrix_sdk::encryption::verification::{
    SasVerification, Verification, VerificationRequest, VerificationRequestState,
};
use matrix_sdk::ruma::events::key::verification::VerificationMethod;

use crate::Result;
use crate::person::Person;

/// Verifies `first` and `second` by seven emoji, and waits until each trusts the other.
///
/// # Errors
/// When the strings differ, somebody cancels or something does not arrive.
pub async fn verify_each_other(first: &Person, second: &Person) -> Result<()> {
    for (one, other) in [(first, second), (second, first)] {
        let identity = one.client.encryption().request_user_identity(&other.id).await?;
        identity.ok_or_else(|| format!("{} has no keys of {}", one.name, other.name))?;
    }
    let (asked, received) = request(first, second).await?;
    received.accept_with_methods(vec![VerificationMethod::SasV1]).await?;
    first.bell.until_true("the acceptance", async || Ok(asked.is_ready())).await?;
    let left = asked.start_sas().await?.ok_or("no short strings to compare")?;
    let right = second.bell.until("the short strings' start", async || started(&received)).await?;
    right.accept().await?;
    compare(first, &left, &right).await?;
    trusts(first, second).await?;
    trusts(second, first).await
}

async fn request(
    first: &Person,
    second: &Person,
) -> Result<(VerificationRequest, VerificationRequest)> {
    let encryption = first.client.encryption();
    let identity = encryption.get_user_identity(&second.id).await?.ok_or("no identity")?;
    let methods = vec![VerificationMethod::SasV1];
    let asked = identity.request_verification_with_methods(methods).await?;
    let encryption = second.client.encryption();
    let received = second
        .bell
        .until("the verification request", async || {
            Ok(encryption.get_verification_request(&first.id, asked.flow_id()).await)
        })
        .await?;
    Ok((asked, received))
}

fn started(request: &VerificationRequest) -> Result<Option<SasVerification>> {
    match request.state() {
        VerificationRequestState::Transitioned {
            verification: Verification::SasV1(sas), ..
        } => Ok(Some(sas)),
        VerificationRequestState::Cancelled(info) => Err(info.reason().to_owned().into()),
        _ => Ok(None),
    }
}

/// Fails where one of them has cancelled, as the SDK does after a minute without an answer.
fn goes_on(left: &SasVerification, right: &SasVerification) -> Result<()> {
    match left.cancel_info().or(right.cancel_info()) {
        Some(info) => Err(format!("the verification was cancelled: {}", info.reason()).into()),
        None => Ok(()),
    }
}

async fn compare(first: &Person, left: &SasVerification, right: &SasVerification) -> Result<()> {
    let (emoji, same) = first
        .bell
        .until("the short strings", async || {
            goes_on(left, right)?;
            Ok(left.emoji().zip(right.emoji()).map(|(left, right)| {
                (left.map(|emoji| emoji.symbol), right.map(|emoji| emoji.symbol))
            }))
        })
        .await?;
    if emoji != same {
        return Err(format!("short strings differ: {emoji:?} {same:?}").into());
    }
    left.confirm().await?;
    right.confirm().await?;
    let done = async || {
        goes_on(left, right)?;
        Ok(left.is_done() && right.is_done())
    };
    first.bell.until_true("the end of the verification", done).await
}

/// Waits until the other's identity is trusted: the signatures come back by sync.
async fn trusts(one: &Person, other: &Person) -> Result<()> {
    let encryption = one.client.encryption();
    let device = other.client.device_id().ok_or("no session")?;
    let what = format!("{}'s trust in {}", one.name, other.name);
    one.bell
        .until_true(&what, async || {
            let user = encryption.get_user_identity(&other.id).await?;
            let device = encryption.get_device(&other.id, device).await?;
            Ok(user.is_some_and(|user| user.is_verified())
                && device.is_some_and(|device| device.is_verified_with_cross_signing()))
        })
        .await
}
