//! The description of the API (OpenAPI 3.1), made from the code, and a page to read it that loads nothing from elsewhere.

use std::sync::Arc;

use axum::Router;
use axum::http::{HeaderValue, header};
use axum::middleware::map_response;
use axum::response::Response;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{
    Components, ContentBuilder, InfoBuilder, LicenseBuilder, OpenApi, Ref, ResponseBuilder,
};
use utoipa_swagger_ui::{Config, SwaggerUi};

use super::{App, api};

/// Only what this node serves: no script, picture, font or call from or to elsewhere. Swagger UI writes styles into its page.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
                      font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The description of the API.
#[must_use]
pub fn openapi() -> OpenApi {
    let mut document = api().into_openapi();
    document.info = InfoBuilder::new()
        .title("电子证照登记节点 / electronic-licence registry node")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(
            "签发、核验、状态、信任、日志。错误为 RFC 9457 问题文档；创建类调用可带 Idempotency-Key。\n\n\
             Issue, verify, status, trust, log. Errors are RFC 9457 problem documents; calls that create something honour \
             Idempotency-Key: 1 to 64 characters [A-Za-z0-9._:-], the same request answered again with the same bytes.",
        ))
        .license(Some(LicenseBuilder::new().name("Apache-2.0").identifier(Some("Apache-2.0")).build()))
        .build();
    let token = SecurityScheme::Http(Http::builder().scheme(HttpAuthScheme::Bearer).build());
    document.components.get_or_insert_with(Components::new).add_security_scheme("token", token);
    for item in document.paths.paths.values_mut() {
        let operations = [&mut item.get, &mut item.post];
        for operation in operations.into_iter().flatten() {
            let tag = operation.tags.as_ref().and_then(|tags| tags.first()).map(String::as_str);
            let path_is_open =
                matches!(tag, Some("operator" | "trust" | "catalogue" | "status" | "log" | "nodes"));
            if !path_is_open && operation.operation_id.as_deref() != Some("reference") {
                operation.security = Some(vec![SecurityRequirement::new("token", Vec::<String>::new())]);
            }
            operation.responses.responses.entry("default".to_owned()).or_insert_with(|| problem().into());
        }
    }
    document
}

fn problem() -> utoipa::openapi::Response {
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("Document"))).build();
    ResponseBuilder::new()
        .description("RFC 9457 问题文档 / problem document")
        .content("application/problem+json", content)
        .build()
}

/// `/openapi.json` and `/docs`.
pub(super) fn routes() -> Router<Arc<App>> {
    let config = Config::default().validator_url("none").try_it_out_enabled(true);
    Router::from(SwaggerUi::new("/docs").url("/openapi.json", openapi()).config(config))
        .layer(map_response(closed))
}

async fn closed(mut response: Response) -> Response {
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    response
}
