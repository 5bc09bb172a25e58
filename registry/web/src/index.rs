//! The index between nodes (归集), signed by nodes (spec/http-signature.md): a city reports to its province, a node asks where a holder's licences
//! are, the node that issued one hands it out.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};

use super::nodes::NodeCall;
use super::problem::{Document, Problem};
use super::verifications::store;
use super::{Web, blocking};
use licence_node::exchange::answer_others;
use licence_node::exchange::ask_register::{RegisterAnswer, RegisterQuestion};
use licence_node::exchange::index_record::IndexPage;
use licence_node::exchange::look_up::{LogAnswer, LogQuestion};
use licence_node::exchange::questions::{FoundLicences, HandedOut, HolderQuestion, ViewQuestion};
use licence_node::exchange::report_index::{gathered_page, own_page};
use licence_node::node::commit::Job;
use licence_node::node::config::Role;
use licence_node::publication::refresh::show_newest_head;

/// Which page of the index.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OfPage {
    #[serde(default)]
    after: u64,
    #[serde(default)]
    origin: Option<String>,
}

/// 索引归集 / index records in log order: a city tells its own to its province, with the codes of the holders; a province tells a node of
/// that node's own log, without them. At most 500 records.
#[utoipa::path(get, path = "/v1/index", tag = "nodes", params(
    ("after" = Option<u64>, Query, description = "起始日志序号 / log index of the first leaf that is not known yet; 0 if absent"),
    ("origin" = Option<String>, Query, description = "日志名称 / name of the log; only at a province")), responses((status = 200, body = IndexPage),
    (status = 401, body = Document, content_type = "application/problem+json", description = "签名缺失或不成立 / the signature is missing or does not hold"),
    (status = 403, body = Document, content_type = "application/problem+json", description = "非省节点，亦非该日志的节点 / neither the province nor the node of that log")))]
pub(super) async fn index(
    State(web): State<Arc<Web>>,
    of: Result<Query<OfPage>, axum::extract::rejection::QueryRejection>,
    NodeCall { asker, .. }: NodeCall,
) -> Result<Response, Problem> {
    let Ok(Query(OfPage { after, origin })) = of else {
        return Err(Problem::malformed("查询参数：after、origin / the parameters are after and origin"));
    };
    let node = Arc::clone(&web.app.node);
    let page = match origin {
        Some(origin) if node.role == Role::Province => {
            if !asker.logs.contains(&origin) {
                return Err(Problem::forbidden());
            }
            blocking(move || gathered_page(&node, &origin, after)).await?
        }
        None if web
            .app
            .neighbours
            .province()
            .is_some_and(|host| asker.logs.contains(&format!("{host}/log"))) =>
        {
            blocking(move || own_page(&node, after)).await?
        }
        _ => return Err(Problem::forbidden()),
    };
    Ok(Json(page.map_err(|error| Problem::store(&error))?).into_response())
}

/// 持证主体的证照所在 / where valid licences of these holders are, but for those of the node that asks; at a province. Who asked, for which
/// case and on what ground is kept.
#[utoipa::path(post, path = "/v1/index/holders", tag = "nodes", request_body = HolderQuestion,
    responses((status = 200, body = FoundLicences),
    (status = 401, body = Document, content_type = "application/problem+json", description = "签名缺失或不成立 / the signature is missing or does not hold")))]
pub(super) async fn holders(
    State(web): State<Arc<Web>>,
    NodeCall { call, asker }: NodeCall,
) -> Result<Response, Problem> {
    if web.app.node.role != Role::Province {
        return Err(Problem::not_found());
    }
    let question: HolderQuestion = call.json()?;
    let node = Arc::clone(&web.app.node);
    let asked = blocking(move || answer_others::where_are(&node, &asker, &question)).await??;
    answer(&web, asked).await
}

/// 调取证照 / a view of a licence of this node, for another node of the trust list: for a service item that accepts its type, of a holder whom
/// the asking node names. A licence of anybody else is answered like one that is not there. Which licence was shown to whom, for which
/// case and on what ground is kept, and there is a ceiling for each node and day.
#[utoipa::path(post, path = "/v1/index/licences/{digest}", tag = "nodes", params(
    ("digest" = String, Path, description = "证照摘要 / statement digest, `sha-256:` and hex")), request_body = ViewQuestion,
    responses((status = 200, body = HandedOut, description = "加注件与日志证明 / the view and the log proof"),
    (status = 401, body = Document, content_type = "application/problem+json", description = "签名缺失或不成立 / the signature is missing or does not hold"),
    (status = 404, body = Document, content_type = "application/problem+json", description = "没有此证照，或不属于所列主体、事项 / there is no such licence, or not of these holders and this service item"),
    (status = 422, body = Document, content_type = "application/problem+json", description = "字段缺失、过长或无法读取 / a member is missing, too long or unreadable"),
    (status = 429, body = Document, content_type = "application/problem+json", description = "该节点今日查询过多 / this node has asked too much today")))]
pub(super) async fn hand_out(
    State(web): State<Arc<Web>>,
    Path(digest): Path<String>,
    NodeCall { asker, call }: NodeCall,
) -> Result<Response, Problem> {
    let question: ViewQuestion = call.json()?;
    let node = Arc::clone(&web.app.node);
    let asked = blocking(move || {
        // Another process may have issued it: the proof needs a head that covers it.
        show_newest_head(&node)?;
        Ok::<_, Problem>(answer_others::hand_out(&node, &asker, &digest, &question)?)
    });
    answer(&web, asked.await??).await
}

/// 询问登记 / how a licence of this node stands, for another node of the trust list: a receipt over its verdict, without any content; null
/// if there is no such licence. Who asked is kept.
#[utoipa::path(post, path = "/v1/index/verifications", tag = "nodes", request_body = RegisterQuestion,
    responses((status = 200, body = RegisterAnswer, description = "核验结论 / the verdict, signed"),
    (status = 401, body = Document, content_type = "application/problem+json", description = "签名缺失或不成立 / the signature is missing or does not hold"),
    (status = 422, body = Document, content_type = "application/problem+json", description = "字段缺失、过长或无法读取 / a member is missing, too long or unreadable")))]
pub(super) async fn register(
    State(web): State<Arc<Web>>,
    NodeCall { call, asker }: NodeCall,
) -> Result<Response, Problem> {
    let question: RegisterQuestion = call.json()?;
    let node = Arc::clone(&web.app.node);
    let asked = blocking(move || answer_others::how_it_stands(&node, &asker, &question)).await??;
    answer(&web, asked).await
}

/// 查询日志 / whether a log that this province holds has a licence, by its digest: yes, no, or not known so far, and nothing else. What is
/// missing is noted for the issuer.
#[utoipa::path(post, path = "/v1/index/logged", tag = "nodes", request_body = LogQuestion,
    responses((status = 200, body = LogAnswer, description = "是否在日志中 / whether the log has it"),
    (status = 401, body = Document, content_type = "application/problem+json", description = "签名缺失或不成立 / the signature is missing or does not hold"),
    (status = 422, body = Document, content_type = "application/problem+json", description = "字段缺失、过长或无法读取 / a member is missing, too long or unreadable")))]
pub(super) async fn logged(
    State(web): State<Arc<Web>>,
    NodeCall { call, asker }: NodeCall,
) -> Result<Response, Problem> {
    if web.app.node.role != Role::Province {
        return Err(Problem::not_found());
    }
    let question: LogQuestion = call.json()?;
    let node = Arc::clone(&web.app.node);
    let answer = blocking(move || answer_others::is_logged(&node, &asker, &question)).await??;
    Ok(Json(answer).into_response())
}

/// Answers once the record of use is durable.
async fn answer(web: &Web, (found, job): (impl Serialize, Job)) -> Result<Response, Problem> {
    store(web, job, None).await?;
    Ok(Json(found).into_response())
}
