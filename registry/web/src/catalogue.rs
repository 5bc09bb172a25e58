//! The catalogue for people and programs that do not read CBOR. What decides is the signed one.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::header;
use axum::response::IntoResponse;
use licence_spec::catalogue::{Catalogue, FieldKind, HolderRole, LicenceType, META_EN, ServiceItem};
use serde::Serialize;
use utoipa::ToSchema;

use super::Web;
use super::problem::Problem;

fn catalogue(web: &Web) -> Result<Arc<Catalogue>, Problem> {
    web.app.node.catalogue().ok_or_else(|| Problem::unavailable("尚无目录 / the node has no catalogue yet"))
}

/// A list of the catalogue.
#[derive(Serialize, ToSchema)]
pub(super) struct Listing<T> {
    /// Version of the catalogue.
    version: u64,
    /// The entries.
    items: Vec<T>,
}

/// One entry of a list.
#[derive(Serialize, ToSchema)]
pub(super) struct Named {
    /// Its code.
    code: String,
    /// Its name.
    name: String,
    /// Its English name, if known.
    #[serde(skip_serializing_if = "Option::is_none")]
    name_en: Option<String>,
}

/// A licence type with its newest fields.
#[derive(Serialize, ToSchema)]
pub(super) struct TypeView {
    /// Its code.
    code: String,
    /// `vct` of its credentials.
    vct: String,
    /// Its name.
    name: String,
    /// What else the catalogue says of it, such as 证照种类 and 持证主体类别.
    metadata: std::collections::BTreeMap<String, String>,
    /// Number of the newest revision.
    revision: u64,
    /// Longest life, seconds.
    longest_life_s: i64,
    /// Its fields.
    fields: Vec<FieldView>,
}

/// One field.
#[derive(Serialize, ToSchema)]
pub(super) struct FieldView {
    /// Key in the credential.
    key: u8,
    /// Name in requests.
    name: String,
    /// text, date, uint, bool, list, table or digest.
    kind: &'static str,
    /// Whether it must be given.
    required: bool,
    /// 敏感 / whether it is shown only where a service item permits it.
    sensitive: bool,
    /// 照面 / whether it stands on the face.
    on_face: bool,
    /// Longest text in characters, or most items.
    max: u16,
}

/// A service item.
#[derive(Serialize, ToSchema)]
pub(super) struct ItemView {
    /// Its code.
    code: String,
    /// Its name.
    name: String,
    /// 用途 / purpose text of its views.
    #[serde(skip_serializing_if = "Option::is_none")]
    purpose: Option<String>,
    /// Materials that an applicant would otherwise hand in.
    materials: Vec<MaterialView>,
    /// Accepted types and the keys of the fields that may be seen.
    accepts: Vec<AcceptedView>,
}

/// One material.
#[derive(Serialize, ToSchema)]
pub(super) struct MaterialView {
    code: String,
    name: String,
    #[schema(value_type = String)]
    holder_role: HolderRole,
    /// Prefixes of area codes, or `*`.
    regions: Vec<String>,
    /// `vct`s of which any one satisfies it.
    any_of: Vec<String>,
}

/// One accepted type.
#[derive(Serialize, ToSchema)]
pub(super) struct AcceptedView {
    vct: String,
    fields: Vec<u8>,
}

const fn kind_word(kind: FieldKind) -> &'static str {
    match kind {
        FieldKind::Text => "text",
        FieldKind::Date => "date",
        FieldKind::Uint => "uint",
        FieldKind::Bool => "bool",
        FieldKind::List => "list",
        FieldKind::Table => "table",
        FieldKind::Digest => "digest",
    }
}

/// 证照类型 / all licence types.
#[utoipa::path(get, path = "/v1/catalogue/licence-types", tag = "catalogue", responses((status = 200, body = Listing<Named>)))]
pub(super) async fn licence_types(State(web): State<Arc<Web>>) -> Result<Json<Listing<Named>>, Problem> {
    let catalogue = catalogue(&web)?;
    let named = |kind: &LicenceType| Named {
        code: kind.code().to_owned(),
        name: kind.name.clone(),
        name_en: kind.metadata(META_EN).map(str::to_owned),
    };
    let items = catalogue.content().types.iter().map(named).collect();
    Ok(Json(Listing { version: catalogue.version(), items }))
}

/// 一个证照类型 / one licence type with its fields.
#[utoipa::path(get, path = "/v1/catalogue/licence-types/{code}", tag = "catalogue", params(("code" = String, Path)), responses((status = 200, body = TypeView)))]
pub(super) async fn licence_type(
    State(web): State<Arc<Web>>,
    Path(code): Path<String>,
) -> Result<Json<TypeView>, Problem> {
    let catalogue = catalogue(&web)?;
    let kind = catalogue.type_of_code(&code).ok_or_else(Problem::not_found)?;
    // Cannot be missing: the content rules want at least one revision.
    let revision = kind.newest().ok_or_else(Problem::not_found)?;
    let fields = revision.fields.iter().map(|field| FieldView {
        key: field.key,
        name: field.name.clone(),
        kind: kind_word(field.kind),
        required: field.required,
        sensitive: field.sensitive,
        on_face: field.on_face,
        max: field.max,
    });
    Ok(Json(TypeView {
        code,
        vct: kind.vct.clone(),
        name: kind.name.clone(),
        metadata: kind.metadata.iter().cloned().collect(),
        revision: revision.number,
        longest_life_s: revision.longest_life_s,
        fields: fields.collect(),
    }))
}

/// 签发请求的 JSON Schema / the shape of a request to issue a licence of this type (JSON Schema 2020-12).
#[utoipa::path(get, path = "/v1/catalogue/licence-types/{code}/schema", tag = "catalogue", params(("code" = String, Path)),
    responses((status = 200, content_type = "application/schema+json", body = Object)))]
pub(super) async fn request_schema(
    State(web): State<Arc<Web>>,
    Path(code): Path<String>,
) -> Result<impl IntoResponse, Problem> {
    let catalogue = catalogue(&web)?;
    let kind = catalogue.type_of_code(&code).ok_or_else(Problem::not_found)?;
    let schema = licence_catalogue::schema::issue_request(kind).to_string();
    Ok(([(header::CONTENT_TYPE, "application/schema+json")], schema))
}

/// 服务事项 / all service items.
#[utoipa::path(get, path = "/v1/catalogue/service-items", tag = "catalogue", responses((status = 200, body = Listing<Named>)))]
pub(super) async fn service_items(State(web): State<Arc<Web>>) -> Result<Json<Listing<Named>>, Problem> {
    let catalogue = catalogue(&web)?;
    let named =
        |item: &ServiceItem| Named { code: item.code.clone(), name: item.name.clone(), name_en: None };
    let items = catalogue.content().service_items.iter().map(named).collect();
    Ok(Json(Listing { version: catalogue.version(), items }))
}

/// 一个服务事项 / one service item with its materials.
#[utoipa::path(get, path = "/v1/catalogue/service-items/{code}", tag = "catalogue", params(("code" = String, Path)), responses((status = 200, body = ItemView)))]
pub(super) async fn service_item(
    State(web): State<Arc<Web>>,
    Path(code): Path<String>,
) -> Result<Json<ItemView>, Problem> {
    let catalogue = catalogue(&web)?;
    let item = catalogue.service_item(&code).ok_or_else(Problem::not_found)?;
    let materials = item.materials.iter().map(|material| MaterialView {
        code: material.code.clone(),
        name: material.name.clone(),
        holder_role: material.holder_role,
        regions: material.regions.clone(),
        any_of: material.alternatives.iter().map(|alternative| alternative.vct.clone()).collect(),
    });
    let accepts = item
        .accepts
        .iter()
        .map(|accepted| AcceptedView { vct: accepted.vct.clone(), fields: accepted.fields.clone() });
    Ok(Json(ItemView {
        name: item.name.clone(),
        purpose: item.purpose.clone(),
        materials: materials.collect(),
        accepts: accepts.collect(),
        code,
    }))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::Edge;

    #[test]
    fn a_type_is_told_with_the_form_of_its_request_and_an_unknown_one_is_not_found() {
        let edge = Edge::new();
        let path = "/v1/catalogue/licence-types/11100000MB0143028R001";
        assert_eq!(edge.get(path, "").json()["name"], "营业执照");
        let schema = edge.get(&format!("{path}/schema"), "").json();
        assert!(schema["properties"]["fields"].is_object(), "{schema}");
        assert_eq!(edge.get("/v1/catalogue/licence-types/NONE", "").problem().0, 404);
        let item = edge.get("/v1/catalogue/service-items/SZ-SP-0101", "").json();
        assert_eq!(item["code"], json!("SZ-SP-0101"));
    }
}
