/** Events and what became of them: stored, committed, sent, acknowledged. */
import type { Inspector } from '../inspector.ts'
import { type Fate, isOfLedger, isSettled, stagesAt, STAGES, stageTime } from '../model/fates.ts'
import { clockTime, count, duration, shortId, visible } from '../../../page/text.ts'
import { VirtualList } from '../../../page/virtual-list.tsx'

const ROW_HEIGHT = 28

export function EventsPane({ inspector }: { readonly inspector: Inspector }) {
  const { history, now, view } = inspector
  const { eventWords: words, isOnlyOpen } = view
  const all = history.fates.upTo(now)
  const shown = all.filter((fate) => matches(fate, words) && !(isOnlyOpen && isSettled(fate, now)))
  const chosen = shown.findIndex(({ eventId }) => eventId === view.eventId)
  return (
    <div class="events">
      <header class="chart-head">
        <h2>Events</h2>
        <span class="faint">
          {count(shown.length)} of {count(all.length)}
        </span>
        <span class="tools">
          <button
            type="button"
            class="chip"
            aria-pressed={isOnlyOpen}
            onClick={() => inspector.show({ isOnlyOpen: !isOnlyOpen })}
          >
            Not at the hub
          </button>
          <input
            type="search"
            placeholder="Id or type"
            aria-label="Search events"
            value={words}
            spellcheck={false}
            onInput={({ currentTarget }) => inspector.show({ eventWords: currentTarget.value })}
          />
        </span>
      </header>
      {shown.length === 0 ? (
        <p class="empty">
          {all.length === 0
            ? 'No event was recorded up to this moment.'
            : 'No event passes the search.'}
        </p>
      ) : (
        <VirtualList
          class="fates"
          label="Events and their fates"
          count={shown.length}
          rowHeight={ROW_HEIGHT}
          focus={chosen}
          follows={inspector.isLive && view.eventId === null}
          head={<Heads />}
          row={(index) => fateRow(inspector, shown[index], index === chosen)}
        />
      )}
    </div>
  )
}

function Heads() {
  return (
    <div class="fate-row fate-heads" role="presentation">
      <span>type</span>
      <span>id</span>
      <span class="number">clock</span>
      {STAGES.map((stage) => (
        <span key={stage}>{stage}</span>
      ))}
    </div>
  )
}

function fateRow(inspector: Inspector, fate: Fate | undefined, isChosen: boolean) {
  if (fate === undefined) return null
  const reached = stagesAt(fate, inspector.now)
  const first = [...reached.values()][0]
  const start = first === undefined ? 0 : stageTime(first).mono
  const refused = reached.get('refused')
  return (
    <div
      key={fate.eventId}
      class={isChosen ? 'fate-row chosen' : 'fate-row'}
      role="option"
      aria-selected={isChosen}
      data-event={fate.eventId}
      title={visible(fate.eventId)}
      onClick={() => inspector.show({ eventId: fate.eventId, side: 'fate' })}
    >
      <span class="name">
        {visible(fate.eventType ?? (isOfLedger(fate) ? 'decision' : 'event'))}
      </span>
      <span class="mono faint">{visible(shortId(fate.eventId))}</span>
      <span class="number">{fate.lamport ?? ''}</span>
      {STAGES.map((stage) => {
        const entry = reached.get(stage)
        if (stage === 'acknowledged' && refused !== undefined && entry === undefined) {
          return (
            <span key={stage} class="reach refused" title={visible(refused.message.reason ?? '')}>
              refused
            </span>
          )
        }
        if (entry === undefined)
          return (
            <span key={stage} class="reach none">
              ·
            </span>
          )
        const time = stageTime(entry)
        const text = entry === first ? clockTime(time.createdAt) : `+${duration(time.mono - start)}`
        return (
          <span key={stage} class={`reach ${stage}`}>
            {text}
          </span>
        )
      })}
    </div>
  )
}

function matches({ eventId, eventType }: Fate, words: string): boolean {
  const text = `${eventId} ${eventType ?? ''}`.toLowerCase()
  return words
    .toLowerCase()
    .split(/\s+/)
    .every((word) => text.includes(word))
}
