/**
 * What came to this repository from elsewhere, as far as it can still be told: by the logs of the remote-tracking refs, by where
 * these stand, and by what was fetched last.
 */
import { join } from 'node:path'
import { readBounded } from '../../../project/files/bounded-file.ts'
import { listRefs, readRef } from '../../../project/git/git-files.ts'
import { OID } from '../../../project/git/object-id.ts'
import { gitDirectories, readMovements } from './movements.ts'
import type { Movement } from './movements.ts'

const REMOTES = 'refs/remotes/'
const FETCH_HEAD_BYTES_MAX = 4 * 1024 * 1024
const NOWHERE = /^0+$/
const FETCHED = new RegExp(`^${OID}(?=\t)`, 'gm')

/** The commits that arrived; all that they lead to came with them. */
export function readArrivals(commonDir: string): ReadonlySet<string> {
  const arrivals = new Set<string>()
  const present = new Map(
    listRefs(commonDir, REMOTES)
      // `origin/HEAD` is a name of another one, which says it better.
      .filter(({ ref }) => readRef(commonDir, ref).state === 'read')
      .map(({ ref, oid }) => [ref, oid]),
  )
  for (const [ref, oid] of present) {
    const movements = readMovements(commonDir, ref) ?? []
    for (const arrived of arrivedBy(movements)) arrivals.add(arrived)
    // Of what its log does not tell, or tells no more, nothing proves that it was pushed from here.
    if (movements.at(-1)?.to !== oid) arrivals.add(oid)
  }
  for (const oid of lastFetched(commonDir)) arrivals.add(oid)
  return arrivals
}

function arrivedBy(movements: readonly Movement[]): readonly string[] {
  const arrived: string[] = []
  // What was there before the log begins, or begins anew after a part of it has expired.
  const first = movements[0]?.from
  if (first !== undefined && !NOWHERE.test(first)) arrived.push(first)
  for (const [at, { to, isPush }] of movements.entries()) {
    const next = movements[at + 1]
    // The next one leads to it.
    if (isPush || (next?.isForward === true && next.from === to)) continue
    arrived.push(to)
  }
  return arrived
}

function lastFetched(commonDir: string): readonly string[] {
  return gitDirectories(commonDir).flatMap((gitDir) => {
    const limits = { followLink: false }
    const read = readBounded(join(gitDir, 'FETCH_HEAD'), FETCH_HEAD_BYTES_MAX, limits)
    if (read.state !== 'read') return []
    return read.bytes.toString('latin1').match(FETCHED) ?? []
  })
}
