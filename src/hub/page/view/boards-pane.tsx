/** Missions, and the work packages of one by lane, with who moved what and when. */
import { useEffect, useRef, useState } from 'preact/hooks'
import { counted, visible } from '../../../page/text.ts'
import type { Dashboard } from '../dashboard.ts'
import { isFinished, lastAt } from '../model/missions.ts'
import type { Board, Mission, Move, Present, WorkPackage } from '../model/types.ts'
import { actorName, LANE_NAMES, laneName, RARE_LANES } from '../model/words.ts'
import { Empty, Hash, Search, Waiting, When } from './parts.tsx'
import { LaneBar } from './lane-bar.tsx'

export function BoardsPane({ dashboard }: { readonly dashboard: Dashboard }) {
  const { missions, faults } = dashboard.ledgers
  if (missions === null) return <Waiting fault={faults.get('missions')} />
  if (missions.length === 0) {
    return (
      <Empty title="No mission yet">
        Boards are made of what is committed: <code>kittiwake mission create NAME</code>, then{' '}
        <code>kittiwake wp create WP01</code>. What was before the hub comes with{' '}
        <code>kittiwake sync import-history --ledgers</code>.
      </Empty>
    )
  }
  const wanted = dashboard.search.toLowerCase()
  const found = missions.filter(({ mission }) => mission.toLowerCase().includes(wanted))
  return (
    <div class="boards">
      <aside class="missions" aria-label="Missions">
        <div class="missions-head">
          <Search
            label="Missions"
            value={dashboard.search}
            onSearch={(text) => dashboard.searchFor(text)}
          />
          <span class="faint small">{counted(found.length, 'mission')}</span>
        </div>
        <div class="mission-list scroll">
          <MissionGroup
            name="In work"
            missions={found.filter((one) => !isFinished(one))}
            dashboard={dashboard}
          />
          <MissionGroup name="Finished" missions={found.filter(isFinished)} dashboard={dashboard} />
          {found.length === 0 ? <p class="faint small">No mission is called so.</p> : null}
        </div>
      </aside>
      <BoardView dashboard={dashboard} />
    </div>
  )
}

function MissionGroup({
  name,
  missions,
  dashboard,
}: {
  readonly name: string
  readonly missions: readonly Mission[]
  readonly dashboard: Dashboard
}) {
  if (missions.length === 0) return null
  return (
    <section aria-label={name}>
      <h3 class="faint small">
        {name} · {missions.length}
      </h3>
      <ul>
        {missions.map((one) => (
          <li key={one.mission}>
            <MissionRow
              mission={one}
              isShown={one.mission === dashboard.ledgers.shownMission}
              isWorkedOn={dashboard.present.some(({ focus }) => focus.mission === one.mission)}
              choose={() => dashboard.go({ mission: one.mission })}
            />
          </li>
        ))}
      </ul>
    </section>
  )
}

function MissionRow({
  mission: found,
  isShown,
  isWorkedOn,
  choose,
}: {
  readonly mission: Mission
  readonly isShown: boolean
  readonly isWorkedOn: boolean
  readonly choose: () => void
}) {
  const { mission, summary, status_rows, decision_rows } = found
  const row = useRef<HTMLButtonElement>(null)
  // Chosen by a key, by an address or because something happened there, it may be far down the list.
  useEffect(() => {
    if (isShown) row.current?.scrollIntoView({ block: 'nearest', inline: 'nearest' })
  }, [isShown])
  return (
    <button
      ref={row}
      type="button"
      class="mission"
      aria-current={isShown}
      data-mission={mission}
      onClick={choose}
    >
      <span class="mission-name wrap">
        {visible(mission)}
        {isWorkedOn ? <span class="lamp working" title="Somebody works on it" /> : null}
      </span>
      {summary === null ? null : <LaneBar summary={summary} />}
      <span class="faint small">
        {counted(status_rows, 'move')} ·{' '}
        {decision_rows === 0 ? '' : `${counted(decision_rows, 'decision row')} · `}
        <When time={lastAt(found)} />
      </span>
    </button>
  )
}

function BoardView({ dashboard }: { readonly dashboard: Dashboard }) {
  const { board, shownMission, faults } = dashboard.ledgers
  if (board === null || board.mission !== shownMission)
    return <Waiting fault={faults.get('board')} />
  const lanes = LANE_NAMES.filter(
    ([lane]) => !RARE_LANES.has(lane) || board.work_packages.some((one) => one.lane === lane),
  )
  return (
    <section class="board" aria-label={`Board of ${visible(board.mission)}`}>
      <header class="board-head">
        <h2 class="wrap">{visible(board.mission)}</h2>
        <LaneBar summary={board.summary} />
      </header>
      {board.work_packages.length === 0 ? (
        <Empty title="No work package yet">
          <code>kittiwake wp create WP01 --mission {visible(board.mission)}</code>
        </Empty>
      ) : (
        <div class="lanes scroll">
          {lanes.map(([lane, name]) => (
            <Lane
              key={lane}
              lane={lane}
              name={name}
              packages={board.work_packages.filter((one) => one.lane === lane)}
              present={dashboard.present.filter(({ focus }) => focus.mission === board.mission)}
            />
          ))}
        </div>
      )}
      <Oddities board={board} />
    </section>
  )
}

function Lane({
  lane,
  name,
  packages,
  present,
}: {
  readonly lane: string
  readonly name: string
  readonly packages: readonly WorkPackage[]
  readonly present: readonly Present[]
}) {
  return (
    <section class={`lane of-${lane}`} aria-label={name} data-lane={lane}>
      <h3>
        {name} <span class="faint">{packages.length}</span>
      </h3>
      <ul>
        {packages.map((one) => (
          <li key={one.wp_id}>
            <Card one={one} isWorkedOn={present.some(({ focus }) => focus.wp === one.wp_id)} />
          </li>
        ))}
      </ul>
    </section>
  )
}

function Card({ one, isWorkedOn }: { readonly one: WorkPackage; readonly isWorkedOn: boolean }) {
  const [isOpen, setOpen] = useState(false)
  const last = one.moves.at(-1)
  return (
    <article class="card" data-wp={one.wp_id}>
      <button
        type="button"
        class="card-face"
        aria-expanded={isOpen}
        onClick={() => setOpen(!isOpen)}
      >
        <b class="wrap">{visible(one.wp_id)}</b>
        {isWorkedOn ? <span class="lamp working" title="Somebody works on it" /> : null}
        {one.title === null ? null : <span class="card-title wrap">{visible(one.title)}</span>}
        {last === undefined ? null : (
          <span class="card-last">
            {actorName(last.actor)} · <When time={last.at} />
          </span>
        )}
      </button>
      {isOpen ? (
        <ol class="moves">
          {one.moves.toReversed().map((move) => (
            <MoveLine key={move.event_id} move={move} />
          ))}
        </ol>
      ) : null}
    </article>
  )
}

function MoveLine({ move }: { readonly move: Move }) {
  return (
    <li>
      <span>
        {laneName(move.from_lane)} → <b>{laneName(move.to_lane)}</b>
        {move.force ? <span class="forced"> forced</span> : null}
      </span>
      <span class="faint small">
        {actorName(move.actor)} · <When time={move.at} /> ·{' '}
        {move.commit === null ? 'history' : <Hash hash={move.commit} />}
      </span>
    </li>
  )
}

function Oddities({ board: { anomalies, is_cut } }: { readonly board: Board }) {
  if (anomalies.length === 0 && !is_cut) return null
  return (
    <details class="oddities">
      <summary>
        {is_cut ? 'More rows than one board holds; the first of them count. ' : ''}
        {anomalies.length > 0
          ? `${counted(anomalies.length, 'row')} can't be true or can't be read`
          : ''}
      </summary>
      <ul>
        {anomalies.slice(0, 200).map(({ line, wp_id, what }, at) => (
          <li key={at} class="wrap">
            line {line}
            {wp_id === null ? '' : `, ${visible(wp_id)}`}: {visible(what)}
          </li>
        ))}
      </ul>
    </details>
  )
}
