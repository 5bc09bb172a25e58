//! Which error of a trip is which kind of problem. Errors of the node itself tell their cause in the log only ([`Problem::own_fault`]).

use licence_spec::http_signature::HttpSignatureFault;

use super::{Problem, kind};
use licence_node::access::caller::Denied;
use licence_node::exchange::questions::AskedError;
use licence_node::exchange::witness::WitnessError;
use licence_node::node::commit::WriteError;
use licence_node::publication::refresh::SharedError;
use licence_node::trips::change_status::ChangeError;
use licence_node::trips::check_service_item::CheckError;
use licence_node::trips::file_verdict::FileError;
use licence_node::trips::issue::IssueError;
use licence_node::trips::read_licence::ReadError;
use licence_node::trips::receipt::{NotBase64, ReceiptTripError};
use licence_node::trips::verify::VerifyError;

impl From<WriteError> for Problem {
    fn from(error: WriteError) -> Problem {
        let detail = error.to_string();
        match error {
            WriteError::Answered => Problem::signature(&HttpSignatureFault::IdempotencyKeyInUse),
            WriteError::Taken(_) | WriteError::Moved | WriteError::Conflict(_) => {
                Problem::new(&kind::CONFLICT, detail)
            }
            WriteError::Busy => Problem::unavailable(detail),
            WriteError::Unavailable(cause) => Problem::own_fault(&cause),
        }
    }
}

impl From<ReadError> for Problem {
    fn from(error: ReadError) -> Problem {
        match error {
            ReadError::Shared(error) => error.into(),
            ReadError::Log(error) => Problem::own_fault(&error),
        }
    }
}

impl From<Denied> for Problem {
    fn from(_: Denied) -> Problem {
        Problem::forbidden()
    }
}

impl From<IssueError> for Problem {
    fn from(error: IssueError) -> Problem {
        let detail = error.to_string();
        match error {
            IssueError::Denied(denied) => denied.into(),
            IssueError::UnknownAuthority(_) | IssueError::OutOfScope(_) | IssueError::Synthetic => {
                Problem::new(&kind::OUT_OF_SCOPE, detail)
            }
            IssueError::UnknownType(_) => Problem::new(&kind::UNKNOWN_TYPE, detail),
            IssueError::Fields(_) | IssueError::Draft(_) | IssueError::Reason(_) => {
                Problem::new(&kind::FIELDS, detail)
            }
            IssueError::Predecessor => Problem::new(&kind::PREDECESSOR, detail),
            IssueError::NotReady(_) | IssueError::Rng(_) | IssueError::ClockAhead(_) => {
                Problem::unavailable(detail)
            }
            IssueError::Store(error) => Problem::store(&error),
            IssueError::Write(error) => error.into(),
        }
    }
}

impl From<ChangeError> for Problem {
    fn from(error: ChangeError) -> Problem {
        let detail = error.to_string();
        match error {
            ChangeError::UnknownLicence => Problem::not_found(),
            ChangeError::UnknownAct | ChangeError::Reason(_) | ChangeError::Effective(_) => {
                Problem::new(&kind::FIELDS, detail)
            }
            ChangeError::Transition => Problem::new(&kind::TRANSITION, detail),
            ChangeError::Store(error) => Problem::store(&error),
            ChangeError::Write(error) => error.into(),
            ChangeError::Rng(_) | ChangeError::ClockAhead(_) => Problem::unavailable(detail),
        }
    }
}

impl From<ReceiptTripError> for Problem {
    fn from(error: ReceiptTripError) -> Problem {
        let detail = error.to_string();
        match error {
            ReceiptTripError::Receipt(_) => Problem::new(&kind::RECEIPT, detail),
            ReceiptTripError::NoKey | ReceiptTripError::Rng(_) | ReceiptTripError::ClockAhead(_) => {
                Problem::unavailable(detail)
            }
        }
    }
}

impl From<FileError> for Problem {
    fn from(error: FileError) -> Problem {
        match error {
            FileError::Store(error) => Problem::store(&error),
            FileError::Receipt(error) => error.into(),
        }
    }
}

impl From<VerifyError> for Problem {
    fn from(error: VerifyError) -> Problem {
        let detail = error.to_string();
        match error {
            VerifyError::Subject { .. } => Problem::new(&kind::FIELDS, detail),
            VerifyError::Store(error) => Problem::store(&error),
            VerifyError::Rng(_) => Problem::unavailable(detail),
            VerifyError::Field(..) => Problem::new(&kind::FIELDS, detail),
            VerifyError::UnknownItem => Problem::new(&kind::UNKNOWN_ITEM, detail),
            VerifyError::BytesLost => Problem::new(&kind::BYTES_LOST, detail),
            _ => Problem::malformed(detail),
        }
    }
}

impl From<SharedError> for Problem {
    fn from(error: SharedError) -> Problem {
        match error {
            SharedError::Store(error) => Problem::store(&error),
            SharedError::Take(error) => Problem::own_fault(&error),
            SharedError::Write(error) => error.into(),
        }
    }
}

impl From<WitnessError> for Problem {
    fn from(error: WitnessError) -> Problem {
        match error {
            WitnessError::Store(error) => Problem::store(&error),
            WitnessError::Sign(error) => Problem::own_fault(&error),
            other => Problem::unavailable(other.to_string()),
        }
    }
}

impl From<NotBase64> for Problem {
    fn from(error: NotBase64) -> Problem {
        Problem::malformed(error.to_string())
    }
}

impl From<AskedError> for Problem {
    fn from(error: AskedError) -> Problem {
        let detail = error.to_string();
        match error {
            AskedError::Unknown => Problem::not_found(),
            AskedError::Field(_) => Problem::new(&kind::FIELDS, detail),
            AskedError::Store(error) => Problem::store(&error),
            AskedError::Log(error) => Problem::own_fault(&error),
            AskedError::NotReady(_)
            | AskedError::View(_)
            | AskedError::Rng(_)
            | AskedError::ClockAhead(_) => Problem::unavailable(detail),
            AskedError::Item => Problem::new(&kind::UNKNOWN_ITEM, detail),
            AskedError::TooMuch(_) => Problem::new(&kind::TOO_MANY_QUESTIONS, detail),
        }
    }
}

impl From<CheckError> for Problem {
    fn from(error: CheckError) -> Problem {
        let detail = error.to_string();
        match error {
            CheckError::UnknownItem => Problem::new(&kind::UNKNOWN_ITEM, detail),
            CheckError::Field(_) | CheckError::Subject { .. } | CheckError::Role(_) => {
                Problem::new(&kind::FIELDS, detail)
            }
            CheckError::NotReady | CheckError::Rng(_) => Problem::unavailable(detail),
            CheckError::Store(error) => Problem::store(&error),
            CheckError::Receipt(error) => error.into(),
        }
    }
}
