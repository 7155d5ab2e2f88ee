// The next runs by the clock of whoever looks; without this, UTC and the schedule's clock are there all the same.
for (const cell of document.querySelectorAll(".next-runs td.here")) {
  const moment = new Date(cell.textContent.replace(/^\S+ (\S+) (\S+)$/, "$1T$2Z"));
  cell.textContent = moment.toLocaleString([], { weekday: "short", year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", second: "2-digit", timeZoneName: "short" });
}
for (const cell of document.querySelectorAll(".next-runs .here")) cell.hidden = false;
