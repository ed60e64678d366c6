//! DELETE of an object, and of all that a list would give.

use hyper::Response;
use serde_json::{Value, json};

use super::{body, resource::Call};
use crate::{
    object::{self, meta},
    read,
    reply::{self, Body},
    status::{ApiError, ApiResult, Cause, Subject},
    store::Key,
    write::{Deleted, Deletion, Write},
};

impl Call<'_> {
    pub(super) fn deletion(&self, options: &Value) -> ApiResult<Deletion> {
        let word = |field: &str| match object::text(options, &[field]) {
            "" => self.asked.query.get(field).to_owned(),
            word => word.to_owned(),
        };
        let grace = match options.get("gracePeriodSeconds").and_then(Value::as_i64) {
            Some(grace) => Some(grace),
            None => self.asked.query.number("gracePeriodSeconds")?,
        };
        let propagation = match options.get("orphanDependents").and_then(Value::as_bool) {
            Some(true) => "Orphan".to_owned(),
            Some(false) => "Background".to_owned(),
            None => word("propagationPolicy"),
        };
        if !matches!(propagation.as_str(), "" | "Background" | "Foreground" | "Orphan") {
            let subject = Subject { group: "meta.k8s.io", resource: "DeleteOptions", name: "" };
            let cause = Cause::unsupported(
                "propagationPolicy",
                &json!(propagation),
                &["Foreground", "Background", "Orphan", "nil"],
            );
            return Err(ApiError::invalid(&subject, &[cause]));
        }
        Ok(Deletion {
            propagation,
            grace,
            uid: object::text(options, &["preconditions", "uid"]).to_owned(),
            resource_version: object::text(options, &["preconditions", "resourceVersion"])
                .to_owned(),
        })
    }

    pub(super) fn delete(&self) -> ApiResult<Response<Body>> {
        let options = body::read(self.asked)?;
        let how = self.deletion(&options)?;
        let write = self.write("", self.dry_run(&options)?);
        let deleted = write.delete(&mut self.shared.store(), &how)?;
        let object = match deleted {
            Deleted::Later(object) => object,
            Deleted::Gone(object) if self.kind.traits.returns_deleted => object,
            Deleted::Gone(object) => {
                let mut details = json!({
                    "name": self.target.name,
                    "kind": &*self.kind.id.plural,
                    "uid": object.ties().uid,
                });
                if !self.kind.id.group.is_empty() {
                    details["group"] = json!(&*self.kind.id.group);
                }
                let status = json!({
                    "kind": "Status",
                    "apiVersion": "v1",
                    "metadata": {},
                    "status": "Success",
                    "details": details,
                });
                let yaml = self.negotiated.yaml;
                return Ok(reply::object(200, &status, yaml, &self.asked.headers));
            }
        };
        Ok(self.object(200, &object))
    }

    pub(super) fn delete_all(&self) -> ApiResult<Response<Body>> {
        let options = body::read(self.asked)?;
        let how = self.deletion(&options)?;
        let dry_run = self.dry_run(&options)?;
        let filter = self.filter()?;
        let mut store = self.shared.store();
        let mut page = read::list(&store, self.kind, &filter, &self.asked.query)?;
        for object in &mut page.items {
            let value = object.value();
            let key = Key::new(meta(&value, "namespace"), meta(&value, "name"));
            let write = Write { key, ..self.write("", dry_run) };
            let (Deleted::Gone(left) | Deleted::Later(left)) = write.delete(&mut store, &how)?;
            *object = left;
        }
        Ok(self.page(page))
    }
}
