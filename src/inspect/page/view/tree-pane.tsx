/** All actors over threads and processes, as of the moment. */
import type { Inspector } from '../inspector.ts'
import { endedCount, treeAt, type TreeRow } from '../model/tree.ts'
import { age, count } from '../../../page/text.ts'
import { VirtualList } from '../../../page/virtual-list.tsx'

const ROW_HEIGHT = 26

export function TreePane({ inspector }: { readonly inspector: Inspector }) {
  const { history, view, now } = inspector
  const rows = treeAt(history, now, view)
  const ended = endedCount(history, now)
  const chosen = rows.findIndex(({ key }) => key === view.actor)
  return (
    <section class="pane tree" aria-label="Actors">
      <header class="pane-head">
        <h2>Actors</h2>
        <button
          type="button"
          class="quiet"
          aria-pressed={view.showsEnded}
          disabled={ended === 0}
          title="Show actors that are over (E)"
          onClick={() => inspector.show({ showsEnded: !view.showsEnded })}
        >
          {count(ended)} ended
        </button>
      </header>
      <div class="tree-columns" aria-hidden="true">
        <span class="grow">name · state</span>
        <span class="number" title="Messages that wait in the mailbox">
          box
        </span>
        <span class="number" title="Restarts">
          ↻
        </span>
        <span class="number wide">age</span>
      </div>
      <VirtualList
        count={rows.length}
        rowHeight={ROW_HEIGHT}
        focus={chosen}
        follows={false}
        label="Actors over threads and processes"
        role="tree"
        active={chosen < 0 ? undefined : `tree-${chosen}`}
        onKeyDown={(event) => steer(event, inspector, rows, chosen)}
        row={(index) => row(inspector, rows[index], index)}
      />
    </section>
  )
}

function row(inspector: Inspector, item: TreeRow | undefined, index: number) {
  if (item === undefined) return null
  const isChosen = item.key === inspector.view.actor
  const isClosed = inspector.view.closed.has(item.key)
  const classes = [
    'tree-row',
    item.kind,
    item.isOver ? 'over' : '',
    item.isTroubled ? 'troubled' : '',
    isChosen ? 'chosen' : '',
    item.isMachine ? 'machine' : '',
  ]
  return (
    <div
      key={item.key}
      id={`tree-${index}`}
      class={classes.join(' ')}
      role="treeitem"
      aria-level={item.depth + 1}
      aria-selected={isChosen}
      aria-expanded={!isClosed}
      data-actor={item.kind === 'actor' ? item.label : undefined}
      title={`${item.label}${item.state === '' ? '' : `: ${item.state}`}`}
      onClick={() =>
        item.kind === 'actor' ? inspector.choose(item.key) : toggle(inspector, item.key)
      }
    >
      <span class="indent" style={{ width: `${item.depth * 12}px` }} />
      {item.kind === 'actor' ? (
        <span class="lamp" />
      ) : (
        <span class={isClosed ? 'twist closed' : 'twist'}>▾</span>
      )}
      <span class="name">{item.label}</span>
      <span class="state">{item.shortState}</span>
      <span class={item.mailbox ? 'number strong' : 'number'}>{item.mailbox ?? ''}</span>
      <span class={item.restarts > 0 ? 'number strong' : 'number'}>
        {item.restarts > 0 ? item.restarts : ''}
      </span>
      <span class="number wide">{item.ageMs === null ? '' : age(item.ageMs)}</span>
    </div>
  )
}

function toggle(inspector: Inspector, key: string): void {
  const closed = new Set(inspector.view.closed)
  if (!closed.delete(key)) closed.add(key)
  inspector.show({ closed })
}

function steer(
  event: KeyboardEvent,
  inspector: Inspector,
  rows: readonly TreeRow[],
  chosen: number,
): void {
  const step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0
  if (step === 0) return
  event.preventDefault()
  event.stopPropagation()
  for (let index = chosen + step; index >= 0 && index < rows.length; index += step) {
    const next = rows[index]
    if (next?.kind === 'actor') return inspector.choose(next.key)
  }
}
