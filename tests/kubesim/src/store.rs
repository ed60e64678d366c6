//! The objects, their versions, and what became of them: the part of etcd that API servers show.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque},
    ops::Bound,
    sync::Arc,
};

use serde_json::Value;
use tokio::sync::watch;

use crate::{
    packed::{Object, Ties},
    resource::{GroupResource, Registry},
    status::{ApiError, ApiResult},
};

/// Where an object lives within its kind; the namespace is empty for cluster-wide ones.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// The namespace.
    pub namespace: String,
    /// The name.
    pub name: String,
}

impl Key {
    /// From its parts.
    pub fn new(namespace: &str, name: &str) -> Self {
        Self { namespace: namespace.to_owned(), name: name.to_owned() }
    }
}

/// A kind and a key: one object of all.
pub(crate) type Place = (GroupResource, Arc<Key>);

/// One change.
#[derive(Clone, Debug)]
pub struct Event {
    /// The resourceVersion that the change made.
    pub version: u64,
    /// The kind of the object.
    pub id: GroupResource,
    /// The object's key.
    pub key: Arc<Key>,
    /// Before; none for a creation.
    pub old: Option<Object>,
    /// After; for a deletion the last state, under the deletion's resourceVersion.
    pub new: Object,
    /// The object is gone.
    pub deleted: bool,
}

/// All objects, and the history since the last compaction.
#[derive(Debug)]
pub struct Store {
    /// The kinds that are served.
    pub registry: Registry,
    kinds: HashMap<GroupResource, BTreeMap<Arc<Key>, Object>>,
    log: VecDeque<Event>,
    version: u64,
    compacted: u64,
    uids: HashSet<Box<str>>,
    dependents: HashMap<Box<str>, Vec<Place>>,
    dying: BTreeSet<Place>,
    changed: watch::Sender<u64>,
}

impl Default for Store {
    fn default() -> Self {
        Self {
            registry: Registry::default(),
            kinds: HashMap::new(),
            log: VecDeque::new(),
            version: 1,
            compacted: 1,
            uids: HashSet::new(),
            dependents: HashMap::new(),
            dying: BTreeSet::new(),
            changed: watch::Sender::new(1),
        }
    }
}

impl Store {
    /// The current resourceVersion.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// Tells the current resourceVersion to whoever waits for changes.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    /// The object at that key.
    pub fn get(&self, id: &GroupResource, key: &Key) -> Option<&Object> {
        self.kinds.get(id)?.get(key)
    }

    /// All objects of a kind, in the order of their keys.
    pub fn all(&self, id: &GroupResource) -> impl Iterator<Item = (&Key, &Object)> {
        self.kinds.get(id).into_iter().flatten().map(|(key, object)| (&**key, object))
    }

    /// How many objects of a kind there are.
    pub fn count(&self, id: &GroupResource) -> usize {
        self.kinds.get(id).map_or(0, BTreeMap::len)
    }

    /// Stores the object under a new resourceVersion.
    pub fn put(&mut self, id: &GroupResource, key: &Key, object: &Value) -> Object {
        self.put_packed(id, key, &Object::pack(object))
    }

    /// Stores an object that is packed already under a new resourceVersion.
    pub fn put_packed(&mut self, id: &GroupResource, key: &Key, object: &Object) -> Object {
        self.version += 1;
        let new = object.at_version(self.version);
        let key = Arc::new(key.clone());
        let kind = self.kinds.entry(id.clone()).or_default();
        let old = kind.insert(Arc::clone(&key), new.clone());
        let place = (id.clone(), Arc::clone(&key));
        if let Some(old) = &old {
            self.forget(&place, &old.ties());
        }
        let ties = new.ties();
        self.uids.insert(ties.uid);
        for owner in ties.owners {
            self.dependents.entry(owner).or_default().push(place.clone());
        }
        if ties.terminating {
            self.dying.insert(place);
        }
        let (version, id) = (self.version, id.clone());
        self.record(Event { version, id, key, old, new: new.clone(), deleted: false });
        new
    }

    /// Removes the object, and gives its last state.
    pub fn remove(&mut self, id: &GroupResource, key: &Key) -> Option<Object> {
        let (key, old) = self.kinds.get_mut(id)?.remove_entry(key)?;
        self.version += 1;
        let new = old.at_version(self.version);
        self.forget(&(id.clone(), Arc::clone(&key)), &old.ties());
        let (version, id, old) = (self.version, id.clone(), Some(old));
        self.record(Event { version, id, key, old, new: new.clone(), deleted: true });
        Some(new)
    }

    fn forget(&mut self, place: &Place, old: &Ties) {
        self.uids.remove(&*old.uid);
        self.dying.remove(place);
        for owner in &old.owners {
            if let Some(places) = self.dependents.get_mut(&**owner) {
                places.retain(|dependent| dependent != place);
                if places.is_empty() {
                    self.dependents.remove(&**owner);
                }
            }
        }
    }

    fn record(&mut self, event: Event) {
        self.log.push_back(event);
        self.changed.send_replace(self.version);
    }

    /// Whether there is an object with that uid.
    pub fn has_uid(&self, uid: &str) -> bool {
        self.uids.contains(uid)
    }

    /// Where the objects are that name `uid` as an owner.
    pub fn dependents(&self, uid: &str) -> Vec<Place> {
        self.dependents.get(uid).cloned().unwrap_or_default()
    }

    /// Where the objects are whose deletion has begun.
    pub fn dying(&self) -> Vec<Place> {
        self.dying.iter().cloned().collect()
    }

    /// Forgets all history: watches and lists from before now are answered with 410.
    pub fn compact(&mut self) {
        self.compact_to(self.version);
    }

    /// Forgets the history up to and including `version`.
    pub fn compact_to(&mut self, version: u64) {
        while self.log.front().is_some_and(|event| event.version <= version) {
            self.log.pop_front();
        }
        self.compacted = self.compacted.max(version);
        self.changed.send_replace(self.version);
    }

    /// The oldest resourceVersion that is still known.
    pub fn compacted(&self) -> u64 {
        self.compacted
    }

    /// What happened after `version`, or that it is too long ago.
    pub fn since(&self, version: u64) -> ApiResult<impl DoubleEndedIterator<Item = &Event>> {
        if version < self.compacted {
            return Err(ApiError::expired(format!(
                "too old resource version: {version} ({})",
                self.compacted
            )));
        }
        let first = self.log.partition_point(|event| event.version <= version);
        Ok(self.log.range(first..))
    }

    /// The objects of a kind as they were at `version`, in `namespace` (all if empty), from the
    /// key `after` on, which is left out.
    pub fn snapshot(
        &self,
        id: &GroupResource,
        namespace: &str,
        after: Option<&Key>,
        version: u64,
    ) -> ApiResult<Snapshot<'_>> {
        let mut past: BTreeMap<&Key, Option<&Object>> = BTreeMap::new();
        for event in self.since(version)?.rev().filter(|event| event.id == *id) {
            past.insert(&*event.key, event.old.as_ref());
        }
        let start = match after {
            Some(key) => Bound::Excluded(key.clone()),
            None => Bound::Included(Key::new(namespace, "")),
        };
        let past = past
            .into_iter()
            .filter(|(key, _)| match &start {
                Bound::Excluded(first) => *key > first,
                Bound::Included(first) => *key >= first,
                Bound::Unbounded => true,
            })
            .collect();
        let now = self
            .kinds
            .get(id)
            .map(|kind| kind.range::<Key, _>((start, Bound::Unbounded)).peekable());
        Ok(Snapshot { now, past, namespace: namespace.to_owned() })
    }
}

type Now<'a> = std::iter::Peekable<std::collections::btree_map::Range<'a, Arc<Key>, Object>>;

/// A kind's objects at one resourceVersion: what is there now, with later changes undone.
pub struct Snapshot<'a> {
    now: Option<Now<'a>>,
    past: BTreeMap<&'a Key, Option<&'a Object>>,
    namespace: String,
}

impl<'a> Iterator for Snapshot<'a> {
    type Item = (&'a Key, &'a Object);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let now = self
                .now
                .as_mut()
                .and_then(|now| now.peek().copied())
                .map(|(key, object)| (&**key, object));
            let past = self.past.first_key_value().map(|(key, object)| (*key, *object));
            let found = match (now, past) {
                (Some((key, object)), None) => {
                    self.now.as_mut()?.next();
                    (key, Some(object))
                }
                (Some((key, object)), Some((changed, _))) if key < changed => {
                    self.now.as_mut()?.next();
                    (key, Some(object))
                }
                (now, Some((changed, object))) => {
                    if now.is_some_and(|(key, _)| key == changed) {
                        self.now.as_mut()?.next();
                    }
                    self.past.pop_first();
                    (changed, object)
                }
                (None, None) => return None,
            };
            if !self.namespace.is_empty() && found.0.namespace != self.namespace {
                // Keys are in order, so the namespace is over; what the past holds of others
                // comes later too.
                return None;
            }
            if let (key, Some(object)) = found {
                return Some((key, object));
            }
        }
    }
}
