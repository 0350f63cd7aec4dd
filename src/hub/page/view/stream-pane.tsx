/** Everything that happens, by its number, the latest first; each row opens to what was sent. */
import { useState } from 'preact/hooks'
import { count, counted, visible } from '../../../page/text.ts'
import { VirtualList } from '../../../page/virtual-list.tsx'
import type { Dashboard } from '../dashboard.ts'
import type { Row } from '../model/types.ts'
import { shortHash } from '../model/words.ts'
import { Empty, Search, When } from './parts.tsx'

const ROW_HEIGHT = 30
const KINDS = [
  ['all', 'All'],
  ['event', 'Events'],
  ['LocalCommit', 'Commits'],
] as const
type Kind = (typeof KINDS)[number][0]

export function StreamPane({ dashboard }: { readonly dashboard: Dashboard }) {
  const [kind, setKind] = useState<Kind>('all')
  const [type, setType] = useState('')
  const [chosen, choose] = useState<number | null>(null)
  const { history } = dashboard
  const wanted = dashboard.search.toLowerCase()
  const found = history.rows.filter((row) => passes(row, kind, type, wanted)).toReversed()
  const row = history.rows.find(({ seq }) => seq === chosen)
  return (
    <div class={`stream ${row === undefined ? '' : 'with-raw'}`}>
      <section class="stream-list" aria-label="Stream">
        <div class="column-head">
          <div class="chips" role="group" aria-label="Kinds">
            {KINDS.map(([one, name]) => (
              <button
                key={one}
                type="button"
                class="chip"
                aria-pressed={one === kind}
                onClick={() => setKind(one)}
              >
                {name}
              </button>
            ))}
          </div>
          <Types rows={history.rows} type={type} setType={setType} />
          <Search
            label="Search the stream"
            value={dashboard.search}
            onSearch={(text) => dashboard.searchFor(text)}
          />
          <span class="faint" role="status">
            {count(found.length)} of {count(history.rows.length)}
          </span>
        </div>
        {found.length === 0 ? (
          <Empty
            title={
              history.rows.length === 0 ? 'Nothing has happened yet' : 'Nothing passes the filter'
            }
          >
            {history.rows.length === 0 ? (
              <>
                What <code>kittiwake emit</code> records is here once its link is live.
              </>
            ) : (
              'Choose another kind or type, or search for less.'
            )}
          </Empty>
        ) : (
          <VirtualList
            label="Events and commits"
            class="stream-rows"
            count={found.length}
            rowHeight={ROW_HEIGHT}
            focus={-1}
            follows={false}
            onKeyDown={(event) => stepKey(event, found, chosen, choose)}
            row={(index) => {
              const one = found[index]
              return one === undefined ? null : (
                <StreamRow
                  key={one.seq}
                  row={one}
                  isChosen={one.seq === chosen}
                  choose={() => choose(one.seq)}
                />
              )
            }}
          />
        )}
        {history.before > 0 ? (
          <button type="button" class="older" onClick={() => void dashboard.loadOlder()}>
            Show what was before
          </button>
        ) : null}
        {history.before === 0 && history.from > 1 ? (
          <p class="older faint small">The hub no longer keeps what was before.</p>
        ) : null}
      </section>
      {row === undefined ? null : <Raw row={row} close={() => choose(null)} />}
    </div>
  )
}

function Types({
  rows,
  type,
  setType,
}: {
  readonly rows: readonly Row[]
  readonly type: string
  readonly setType: (type: string) => void
}) {
  const types = new Set(rows.flatMap((row) => (row.type === 'event' ? [row.event_type] : [])))
  return (
    <select
      aria-label="Type of event"
      value={type}
      onChange={({ currentTarget }) => setType(currentTarget.value)}
    >
      <option value="">every type</option>
      {[...types].sort().map((one) => (
        <option key={one} value={one}>
          {visible(one)}
        </option>
      ))}
    </select>
  )
}

function StreamRow({
  row,
  isChosen,
  choose,
}: {
  readonly row: Row
  readonly isChosen: boolean
  readonly choose: () => void
}) {
  const { word, about, time } = told(row)
  return (
    <div
      class={`stream-row of-${row.type} ${isChosen ? 'chosen' : ''}`}
      role="option"
      aria-selected={isChosen}
      data-seq={row.seq}
      onClick={choose}
    >
      <span class="number faint">{row.seq}</span>
      <span class="word">{word}</span>
      <span class="about">{about}</span>
      <span class="faint small">{time === null ? '' : <When time={time} />}</span>
    </div>
  )
}

function Raw({ row, close }: { readonly row: Row; readonly close: () => void }) {
  return (
    <aside class="raw" aria-label="As it was sent">
      <header>
        <h2>As it was sent, number {count(row.seq)}</h2>
        <button type="button" class="quiet" onClick={close}>
          Close
        </button>
      </header>
      <pre class="scroll" tabIndex={0} data-testid="raw">
        {visible(JSON.stringify(row, null, 2))}
      </pre>
    </aside>
  )
}

function told(row: Row): {
  readonly word: string
  readonly about: string
  readonly time: string | null
} {
  switch (row.type) {
    case 'event':
      return {
        word: visible(row.event_type),
        about: visible(row.aggregate_id),
        time: row.timestamp,
      }
    case 'LocalCommit': {
      const files = counted(row.changed_files.length, 'file')
      return {
        word: 'commit',
        about: `${shortHash(row.git_hash)} · ${files}`,
        time: row.committed_at,
      }
    }
    default:
      return { word: 'damaged', about: 'the hub can no longer read it', time: null }
  }
}

function passes(row: Row, kind: Kind, type: string, wanted: string): boolean {
  if (kind !== 'all' && row.type !== kind) return false
  if (type !== '' && (row.type !== 'event' || row.event_type !== type)) return false
  return wanted === '' || JSON.stringify(row).toLowerCase().includes(wanted)
}

function stepKey(
  event: KeyboardEvent,
  rows: readonly Row[],
  chosen: number | null,
  choose: (seq: number) => void,
): void {
  const by = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0
  if (by === 0) return
  event.preventDefault()
  const at = rows.findIndex(({ seq }) => seq === chosen)
  const next = rows[Math.min(rows.length - 1, Math.max(0, at + by))]
  if (next !== undefined) choose(next.seq)
}
