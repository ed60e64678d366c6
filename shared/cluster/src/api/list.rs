//! Lists, page by page.

use std::fmt::Write as _;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::{Api, ApiError, Form};

/// How many objects a page has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PageSize {
    /// 500, as kubectl asks for: whole objects.
    Objects,
    /// 5 000: rows, at 150 bytes each. Fewer pages are quicker for the server by far.
    Rows,
}

impl PageSize {
    fn limit(self) -> u32 {
        match self {
            Self::Objects => 500,
            Self::Rows => 5000,
        }
    }
}

/// A list that is to be read.
#[derive(Clone, Debug)]
pub struct Pages<'a> {
    /// The path, such as `/api/v1/nodes`.
    pub path: &'a str,
    /// Further parameters, such as `("labelSelector", "k8s-app=cilium")`.
    pub query: &'a [(&'a str, &'a str)],
    /// In which form.
    pub form: Form,
    /// How large the pages are.
    pub size: PageSize,
}

/// How often an expired list is begun anew before it is gone on with at the price of consistency.
const FRESH_STARTS: u32 = 1;

impl Api {
    /// Reads a list to its end. `decode` makes items of a page, and gives its continue token.
    ///
    /// A page that is larger than any answer is read for (five hundred definitions with schemas may
    /// be) is asked for again in tenths.
    ///
    /// A list that expires on the way (410) is read from the start again; if it expires once more,
    /// with the token that the server offers for the rest, which may then have seen changes.
    ///
    /// # Errors
    /// When a page cannot be had or understood.
    pub async fn list<T>(
        &self,
        pages: &Pages<'_>,
        mut decode: impl FnMut(&[u8]) -> Result<(Vec<T>, Option<String>), ApiError>,
    ) -> Result<Vec<T>, ApiError> {
        let mut items = Vec::new();
        let mut resume: Option<String> = None;
        let mut starts = 0;
        let mut limit = pages.size.limit();
        loop {
            let body = match self.get(&pages.url(limit, resume.as_deref()), pages.form).await {
                Ok(body) => body,
                Err(ApiError::TooLarge { .. }) if limit > 1 => {
                    limit = limit.div_ceil(10);
                    continue;
                }
                Err(ApiError::Expired { .. }) if resume.is_some() && starts < FRESH_STARTS => {
                    starts += 1;
                    items.clear();
                    resume = None;
                    continue;
                }
                Err(ApiError::Expired { resume: Some(rest), .. })
                    if resume.as_ref() != Some(&rest) =>
                {
                    resume = Some(rest);
                    continue;
                }
                Err(error) => return Err(error),
            };
            let (page, next) = decode(&body)?;
            items.extend(page);
            match next.filter(|next| !next.is_empty()) {
                // A server that hands out the same token again would be asked for ever.
                Some(next) if resume.as_ref() == Some(&next) => {
                    let reason = "the server repeats a page of the list".into();
                    return Err(ApiError::Unreadable { reason });
                }
                Some(next) => resume = Some(next),
                None => return Ok(items),
            }
        }
    }
}

impl Pages<'_> {
    fn url(&self, limit: u32, resume: Option<&str>) -> String {
        let mut url = format!("{}?limit={limit}", self.path);
        for (name, value) in
            self.query.iter().copied().chain(resume.map(|token| ("continue", token)))
        {
            // Writing to a string cannot fail.
            let _ = write!(url, "&{name}={}", utf8_percent_encode(value, NON_ALPHANUMERIC));
        }
        url
    }
}

#[cfg(test)]
mod tests {
    use super::{Form, PageSize, Pages};

    #[test]
    fn parameters_are_escaped() {
        let pages = Pages {
            path: "/api/v1/pods",
            query: &[("labelSelector", "k8s-app=cilium")],
            form: Form::Json,
            size: PageSize::Objects,
        };
        assert_eq!(
            pages.url(500, Some("a+b/c==")),
            "/api/v1/pods?limit=500&labelSelector=k8s%2Dapp%3Dcilium&continue=a%2Bb%2Fc%3D%3D"
        );
    }
}
