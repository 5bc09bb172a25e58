//! A city that was put back from a backup and caught up from the province's mirror: what comes back, and what is refused.

use std::sync::Arc;

use licence_node::access::caller::Caller;
use licence_node::exchange::ask_witness::Reply;
use licence_node::exchange::error::ExchangeError;
use licence_node::exchange::index_record::{IndexPage, IndexRecord, of_change, of_licence};
use licence_node::exchange::mirror;
use licence_node::node::encoding::digest_text;
use licence_node::node::keys::Usage;
use licence_node::trips::change_status::{ChangeRequest, change_status};
use licence_node::upkeep::fsck::fsck;
use licence_node::upkeep::restore::{
    Caught, Mirror, RestoreError, catch_up, go_on_without_mirror, mark, pending,
};
use licence_spec::log::checkpoint::Checkpoint;
use licence_spec::log::merkle::TreeHead;
use licence_spec::log::note::LogKey;
use licence_spec::log::tile::TilePath;
use licence_spec::status::Status;
use licence_spec::suite::Digest;
use licence_store::{LicenceRow, Store as _, StoreError};
use licence_store_sqlite::SqliteStore;

use super::acts::reason;
use super::conditions::{Broken, Condition, must};
use super::place::serve;
use super::{Done, PROVINCE, Settings, World};

/// The city that loses its disk.
const CITY: usize = 1;
/// Records of one page.
const PAGE: usize = 7;

fn broken_disk(error: StoreError) -> Broken {
    Broken::new(Condition::StoreDamaged, error.to_string())
}

fn not_restored(error: RestoreError) -> Broken {
    Broken::new(Condition::Stuck, error.to_string())
}

/// What the province offers of the lost city: its mirror as it stands, or with one lie.
struct Offers<'a> {
    world: &'a World,
    lost: &'a SqliteStore,
    /// Leaves of the mirror.
    size: u64,
    lie: Lie,
    /// Pages before the link breaks.
    pages: usize,
}

/// What is wrong with an offer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Lie {
    Nothing,
    /// The head of another city.
    OtherHead,
    /// A head of this size that the city's own key signed, of another tree.
    OtherTree(u64),
    /// One entry has another byte.
    Entry,
    /// A record is left out.
    Missing,
    /// A record has another digest.
    Digest,
    /// A record of a licence has a number that is given out.
    Number,
    /// The records are of another log.
    Origin,
}

impl Offers<'_> {
    fn fetch(&self, path: &str, cap: usize) -> Result<Vec<u8>, String> {
        let province = self.world.node(PROVINCE);
        let host = self.world.places[CITY].origin().replace("/log", "");
        match (path.strip_prefix(&format!("/v1/mirrors/{host}/")), self.lie) {
            (Some("checkpoint"), Lie::OtherTree(size)) => Ok(self.forked(size).into_bytes()),
            (Some("checkpoint"), lie) => self.head(if lie == Lie::OtherHead { CITY + 1 } else { CITY }),
            (Some(place), _) => self.entries(place),
            (None, _) if path == "/v1/bundle" => licence_node::publication::documents::bundle(province)
                .map(|made| made.to_bytes())
                .map_err(|error| error.to_string()),
            (None, _) => serve(province, path, cap),
        }
    }

    fn head(&self, city: usize) -> Result<Vec<u8>, String> {
        let read = self.world.places[PROVINCE].disk.read().map_err(|error| error.to_string())?;
        let row = read.document(mirror::HEAD, &self.world.places[city].origin());
        Ok(row.map_err(|error| error.to_string())?.ok_or("no mirror")?.bytes)
    }

    fn entries(&self, place: &str) -> Result<Vec<u8>, String> {
        let Ok(TilePath::Entries(bundle)) = TilePath::parse(place) else { return Err(place.to_owned()) };
        let read = self.world.places[PROVINCE].disk.read().map_err(|error| error.to_string())?;
        let held = mirror::entries(&*read, &self.world.places[CITY].origin(), bundle);
        let mut bytes = held.map_err(|error| error.to_string())?.ok_or("no entries")?;
        if self.lie == Lie::Entry {
            // The last byte of the last entry belongs to its digest.
            *bytes.last_mut().expect("an entry") ^= 1;
        }
        Ok(bytes)
    }

    /// A head that only the city's own key can have signed.
    fn forked(&self, size: u64) -> String {
        let (node, origin) = (self.world.node(CITY), self.world.places[CITY].origin());
        let signer = node.keys.signer(&node.authority, Usage::Log).expect("a log key");
        let key = LogKey::new(&origin, *signer.public_key()).expect("a key");
        let head = TreeHead { size, root: [7; 32] };
        Checkpoint { origin: &origin, head }.sign(&key, &*signer).expect("a signature")
    }

    fn page(&mut self, after: u64) -> Result<IndexPage, String> {
        self.pages = self.pages.checked_sub(1).ok_or("the link is broken")?;
        let failed = |error: StoreError| error.to_string();
        let read = self.lost.read().map_err(failed)?;
        let lists = read.status_lists().map_err(failed)?;
        let uri = |row: &LicenceRow| {
            lists.iter().find(|list| list.id == row.status_list).map_or("", |list| &list.uri).to_owned()
        };
        let licences = read.licences_from(after, 100).map_err(failed)?;
        let mut records: Vec<IndexRecord> = licences.iter().map(|row| of_licence(row, &uri(row))).collect();
        records.extend(read.status_changes_from(after, 100).map_err(failed)?.iter().map(of_change));
        records.retain(|record| record.log_index() < self.size);
        records.sort_by_key(IndexRecord::log_index);
        let more = records.len() > PAGE;
        records.truncate(PAGE);
        let next = records.last().filter(|_| more).map_or(self.size, |last| last.log_index() + 1);
        self.distort(&mut records);
        let origin = if self.lie == Lie::Origin {
            "sz.elic.example/log".to_owned()
        } else {
            self.world.places[CITY].origin()
        };
        Ok(IndexPage { origin, records, next, size: self.size })
    }

    fn distort(&self, records: &mut Vec<IndexRecord>) {
        let issued = records.iter().position(|record| matches!(record, IndexRecord::Licence(_)));
        let Some(at) = issued else { return };
        match (self.lie, &mut records[at]) {
            (Lie::Missing, _) => drop(records.remove(at)),
            (Lie::Digest, IndexRecord::Licence(licence)) => licence.digest = digest_text(&[1; 32]),
            (Lie::Number, IndexRecord::Licence(licence)) => {
                let first = &self.world.truth.licences.iter().find(|own| own.city == CITY).expect("issued");
                licence.id.clone_from(&first.id);
            }
            _ => {}
        }
    }
}

impl World {
    /// A city with a backup that has issued, revoked and published since, and is mirrored; the province has seen all of it.
    fn with_old_backup() -> Result<World, Broken> {
        let mut world = World::set_up(Settings { seed: 1, steps: 0, defect: None })?;
        (0..10).try_for_each(|_| world.issue(CITY))?;
        world.heal()?;
        world.back_up(CITY)?;
        world.turn(60)?;
        (0..30).try_for_each(|_| world.issue(CITY))?;
        // One that the backup has, one that came after it.
        for pick in [0, 35] {
            world.revoke(pick)?;
        }
        (0..4).try_for_each(|_| world.new_version(CITY))?;
        world.publish_quietly(CITY)?;
        world.turn(60)?;
        world.heal()?;
        world.turn(60)?;
        Ok(world)
    }

    /// Revokes a licence of the city, counted in the order of issue.
    pub(crate) fn revoke(&mut self, pick: usize) -> Done {
        let own = (0..self.truth.licences.len()).filter(|at| self.truth.licences[*at].city == CITY);
        let at = own.into_iter().nth(pick).expect("issued");
        let request = ChangeRequest { act: "revoke".to_owned(), reason: reason(), effective_at: None };
        let changed = change_status(
            self.node(CITY),
            &Caller::Operator,
            &self.truth.licences[at].id.clone(),
            &request,
            None,
        );
        let changed = changed.map_err(|error| Broken::new(Condition::Stuck, error.to_string()))?;
        must(changed.status == 1, Condition::Stuck, || "not revoked".to_owned())?;
        self.truth.change(at, 1);
        Ok(())
    }

    /// The disk is lost; the backup stands in its place, marked.
    fn put_back(&mut self) -> Result<Arc<SqliteStore>, Broken> {
        let backup = self.places[CITY].backup.take().expect("a backup");
        self.places[CITY].stop();
        let lost = std::mem::replace(&mut self.places[CITY].disk, backup.disk);
        self.places[CITY].seen.log_size = 0;
        mark(&*self.places[CITY].disk, self.places[CITY].clock.now()).map_err(broken_disk)?;
        self.restart(CITY)?;
        Ok(lost)
    }

    fn mirrored(&self) -> Result<u64, Broken> {
        let read = self.places[PROVINCE].disk.read().map_err(broken_disk)?;
        Ok(mirror::held(&*read, &self.places[CITY].origin()).map_err(broken_disk)?.size)
    }

    fn catch_up(
        &self,
        lost: &SqliteStore,
        lie: Lie,
        pages: usize,
        seen: Option<u64>,
    ) -> Result<Caught, RestoreError> {
        let size = self.mirrored().expect("a mirror");
        let offers = std::cell::RefCell::new(Offers { world: self, lost, size, lie, pages });
        let mut ask = |body: &str| match seen {
            Some(seen) => Ok(Reply::Holds(seen)),
            None => self.witness(body).map_err(ExchangeError::Unreachable),
        };
        let mirror = Mirror {
            fetch: &mut |path, cap| offers.borrow().fetch(path, cap).map_err(ExchangeError::Unreachable),
            pages: &mut |after| offers.borrow_mut().page(after).map_err(ExchangeError::Unreachable),
            witnesses: vec![&mut ask],
        };
        catch_up(self.node(CITY), mirror)
    }

    /// Every row of the lost disk is back, under its number, index and status; `fsck` finds nothing.
    fn has_all_of(&self, lost: &SqliteStore) -> Done {
        let (was, is) = (known(lost)?, known(&self.places[CITY].disk)?);
        must(was.len() >= 40 && was == is, Condition::AcknowledgedIsLost, || {
            format!("{} of {}", is.len(), was.len())
        })?;
        self.is_sound()
    }

    fn is_sound(&self) -> Done {
        let evidence = self.node(CITY).evidence.snapshot();
        let trust = evidence.trust_list().map(|list| &**list);
        let report = fsck(&*self.places[CITY].disk, trust, &mut |_, _| {}).map_err(broken_disk)?;
        must(report.faults == 0, Condition::StoreDamaged, || format!("{:?}", report.findings))
    }

    fn is_marked(&self) -> Result<bool, Broken> {
        let read = self.places[CITY].disk.read().map_err(broken_disk)?;
        Ok(pending(&*read).map_err(broken_disk)?.is_some())
    }
}

/// What must come back of a licence: digest, id, number, status index, status, successor.
type Known = (Digest, String, String, u32, Status, Option<Digest>);

/// What a disk has of each licence.
fn known(disk: &SqliteStore) -> Result<Vec<Known>, Broken> {
    let rows = disk.read().and_then(|read| read.licences_from(0, 1_000)).map_err(broken_disk)?;
    let of = |row: LicenceRow| (row.digest, row.id, row.number, row.status_index, row.status, row.successor);
    Ok(rows.into_iter().map(of).collect())
}

/// Caught up, the city goes on as if it had never lost its disk: no un-revocation, no number twice, no fork.
pub(crate) fn a_restored_city_goes_on_where_its_log_ended() -> Done {
    let mut world = World::with_old_backup()?;
    let lost = world.put_back()?;
    must(world.is_marked()?, Condition::RestoreUnnoticed, || "no mark".to_owned())?;
    let caught = world.catch_up(&lost, Lie::Nothing, 100, None).map_err(not_restored)?;
    let expected = world.mirrored()?;
    must(
        caught.size == expected && caught.licences >= 30 && caught.changes >= 2,
        Condition::NotCaughtUp,
        || format!("{caught:?}"),
    )?;
    must(!world.is_marked()?, Condition::Stuck, || "the mark is still there".to_owned())?;
    world.has_all_of(&lost)?;
    world.turn(60)?;
    world.publish_quietly(CITY)?;
    // `truth` refuses a status index that is given out twice, and a new token that does not show an end.
    (0..20).try_for_each(|_| world.issue(CITY))?;
    world.revoke(20)?;
    world.publish_quietly(CITY)?;
    world.restart(CITY)?;
    world.turn(60)?;
    world.heal()?;
    world.whole()
}

/// A run that was cut off leaves whole pages and the mark; the next one goes on.
pub(crate) fn a_catching_up_that_is_cut_off_at_any_page_is_resumed() -> Done {
    let mut world = World::with_old_backup()?;
    let lost = world.put_back()?;
    let (mut sizes, mut pages) = (Vec::new(), 0);
    while world.is_marked()? {
        match world.catch_up(&lost, Lie::Nothing, pages, None) {
            Err(RestoreError::Fetch(_)) | Ok(_) => {}
            Err(error) => return Err(not_restored(error)),
        }
        world.is_sound()?;
        world.restart(CITY)?;
        sizes.push(world.places[CITY].disk_size());
        pages = 1;
    }
    let grows = sizes.is_sorted() && sizes.len() > 4;
    must(grows, Condition::Stuck, || format!("{sizes:?}"))?;
    world.has_all_of(&lost)?;
    world.turn(60)?;
    world.heal()
}

/// Whatever a mirror lies about, nothing is served from it: the mark stays, and no untrue leaf is written.
pub(crate) fn what_a_mirror_lies_about_is_refused() -> Done {
    let mut world = World::with_old_backup()?;
    let lost = world.put_back()?;
    let (backup, all) = (world.places[CITY].disk_size(), world.mirrored()?);
    for (lie, said) in [
        (Lie::OtherHead, "not signed by this node's log key"),
        (Lie::OtherTree(backup), "does not begin with that of the backup"),
        (Lie::OtherTree(backup - 1), "does not begin with that of the backup"),
        (Lie::OtherTree(all), "do not lead to the signed root"),
        (Lie::Entry, "do not lead to the signed root"),
        (Lie::Missing, "no index record that explains"),
        (Lie::Digest, "no index record that explains"),
        (Lie::Number, "id, number or status index is taken"),
        (Lie::Origin, "of another log"),
    ] {
        let error = world.catch_up(&lost, lie, 100, None).err().map(|error| error.to_string());
        let told = error.as_ref().is_some_and(|error| error.contains(said));
        must(told, Condition::RestoreUnnoticed, || format!("{lie:?}: {error:?}"))?;
        must(world.is_marked()?, Condition::RestoreUnnoticed, || format!("{lie:?}: no mark"))?;
    }
    world.is_sound()?;
    world.catch_up(&lost, Lie::Nothing, 100, None).map_err(not_restored)?;
    world.has_all_of(&lost)
}

/// A clock that stands before what was signed, and a witness that has seen more than the mirror holds.
pub(crate) fn a_clock_that_is_behind_and_a_witness_that_is_ahead_are_refused() -> Done {
    let mut world = World::with_old_backup()?;
    let lost = world.put_back()?;
    let size = world.places[CITY].disk_size();
    world.places[CITY].clock.advance(-125);
    let refused = world.catch_up(&lost, Lie::Nothing, 100, None);
    let unwritten = world.places[CITY].disk_size() == size;
    must(matches!(refused, Err(RestoreError::Clock(_))) && unwritten, Condition::WentBackwards, || {
        format!("{refused:?}")
    })?;
    world.places[CITY].clock.advance(125);
    let all = world.mirrored()?;
    let refused = world.catch_up(&lost, Lie::Nothing, 100, Some(all + 1));
    must(matches!(refused, Err(RestoreError::Seen { .. })), Condition::WentBackwards, || {
        format!("{refused:?}")
    })?;
    must(world.is_marked()?, Condition::RestoreUnnoticed, || "no mark".to_owned())?;
    // Nothing was put where the lost leaves stood.
    must(world.places[CITY].disk_size() == all, Condition::WentBackwards, || "appended".to_owned())?;
    world.catch_up(&lost, Lie::Nothing, 100, Some(all)).map(drop).map_err(not_restored)
}

/// Nobody is said to hold a mirror: a witness that has cosigned more than the backup has tells otherwise. It was not asked, and the log forked.
pub(crate) fn a_restore_without_a_mirror_asks_the_witnesses() -> Done {
    let mut world = World::with_old_backup()?;
    world.put_back()?;
    let size = world.places[CITY].disk_size();
    let go_on = |world: &World, holds: u64| {
        let mut ask = |_: &str| Ok(Reply::Holds(holds));
        go_on_without_mirror(world.node(CITY), vec![&mut ask])
    };
    let refused = go_on(&world, size + 1);
    must(matches!(refused, Err(RestoreError::Seen { .. })), Condition::RestoreUnnoticed, || {
        format!("{refused:?}")
    })?;
    let mut silent = |_: &str| Err(ExchangeError::Unreachable("away".to_owned()));
    let unheard = go_on_without_mirror(world.node(CITY), vec![&mut silent]);
    let refused = matches!(unheard, Err(RestoreError::Witness(_)));
    must(refused && world.is_marked()?, Condition::RestoreUnnoticed, || format!("{unheard:?}"))?;
    go_on(&world, size).map(drop).map_err(not_restored)?;
    must(!world.is_marked()?, Condition::Stuck, || "the mark is still there".to_owned())
}

/// The mirror was last there before the backup was made: it tells nothing new, and nothing against the backup.
pub(crate) fn a_mirror_that_is_behind_the_backup_is_no_obstacle() -> Done {
    let mut world = World::set_up(Settings { seed: 1, steps: 0, defect: None })?;
    (0..10).try_for_each(|_| world.issue(CITY))?;
    world.heal()?;
    (0..5).try_for_each(|_| world.issue(CITY))?;
    world.back_up(CITY)?;
    world.turn(60)?;
    let lost = world.put_back()?;
    let size = world.places[CITY].disk_size();
    let caught = world.catch_up(&lost, Lie::Nothing, 100, None).map_err(not_restored)?;
    must(caught.from == size && caught.licences == 0, Condition::Stuck, || format!("{caught:?}"))?;
    world.turn(60)?;
    world.heal()
}

/// The province has a token that shows a revocation, and not yet the leaf of it: the change is lost, and must not be undone.
pub(crate) fn a_revocation_that_only_a_token_shows_is_not_undone() -> Done {
    let mut world = World::with_old_backup()?;
    world.revoke(3)?;
    world.publish_quietly(CITY)?;
    world.pull(PROVINCE, CITY, false)?;
    world.turn(60)?;
    let lost = world.put_back()?;
    let refused = world.catch_up(&lost, Lie::Nothing, 100, None);
    must(matches!(refused, Err(RestoreError::Unrevoked { .. })), Condition::RevocationUnseen, || {
        format!("{refused:?}")
    })?;
    must(world.is_marked()?, Condition::RestoreUnnoticed, || "no mark".to_owned())
}
