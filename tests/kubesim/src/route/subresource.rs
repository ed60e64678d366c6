//! POST to a part of an object: evictions, bindings, tokens.

use hyper::Response;
use serde_json::{Value, json};

use super::{body, resource::Call};
use crate::{
    binding, eviction,
    object::meta,
    packed::Object,
    reply::{self, Body},
    status::{ApiError, ApiResult},
    store::{Key, Store},
};

impl Call<'_> {
    /// Does what the subresource is for.
    pub(super) fn create_sub(&self) -> ApiResult<Response<Body>> {
        let body = body::read(self.asked)?;
        let name = meta(&body, "name");
        match self.target.subresource.as_str() {
            "token" => self.issue(body),
            "eviction" if name != self.target.name => {
                Err(ApiError::bad_request("name in URL does not match name in Eviction object"))
            }
            "eviction" => self.evict(&body),
            "binding" if !name.is_empty() && name != self.target.name => {
                Err(ApiError::bad_request("name in URL does not match name in Binding object"))
            }
            _ => self.bind(&body),
        }
    }

    fn current(&self, store: &Store) -> ApiResult<Object> {
        let key = Key::new(&self.target.namespace, &self.target.name);
        let found = store.get(&self.kind.id, &key);
        found.cloned().ok_or_else(|| ApiError::not_found(&self.kind.named(&key.name)))
    }

    fn created(&self, value: &Value) -> Response<Body> {
        reply::object(201, value, self.negotiated.yaml, &self.asked.headers)
    }

    fn done(&self) -> Response<Body> {
        self.created(&json!({
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Success",
            "code": 201,
        }))
    }

    fn issue(&self, request: Value) -> ApiResult<Response<Body>> {
        let account = self.current(&self.shared.store())?.value();
        let issued = self.shared.tokens.issue(&account, request)?;
        Ok(self.created(&issued))
    }

    fn evict(&self, eviction: &Value) -> ApiResult<Response<Body>> {
        let options = &eviction["deleteOptions"];
        let (how, dry_run) = (self.deletion(options)?, self.dry_run(options)?);
        let mut store = self.shared.store();
        let pod = self.current(&store)?.value();
        eviction::take(&mut store, &pod, dry_run)?;
        // The deletion is the pod's, not its subresource's.
        let write = crate::write::Write { subresource: "", ..self.write("", dry_run) };
        write.delete(&mut store, &how)?;
        Ok(self.done())
    }

    fn bind(&self, binding: &Value) -> ApiResult<Response<Body>> {
        let dry_run = self.dry_run(&Value::Null)?;
        let mut store = self.shared.store();
        let mut pod = self.current(&store)?.value();
        binding::bind(&mut pod, binding)?;
        if !dry_run {
            let key = Key::new(&self.target.namespace, &self.target.name);
            store.put(&self.kind.id, &key, &pod);
        }
        Ok(self.done())
    }
}
