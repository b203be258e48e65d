// Makes the charts of a page live: the same specification that the server has drawn, drawn again in
// the width and the colours of the page, with its zoom; a click on a bar that has a link follows it.
const NAMES = {
  "#1c2126": "--ink", "#5d6670": "--muted", "#7a838c": "--muted", "#4a5560": "--muted",
  "#dfe3e7": "--line",
};

function themed(text) {
  const style = getComputedStyle(document.documentElement);
  for (const [color, name] of Object.entries(NAMES)) {
    text = text.replaceAll(color, style.getPropertyValue(name).trim());
  }
  return text;
}

async function draw(host) {
  const specification = JSON.parse(themed(host.dataset.specification));
  for (const panel of specification.vconcat) {
    panel.width = Math.max(200, host.clientWidth - 96);
    for (const layer of panel.layer ?? []) layer.width = panel.width;
  }
  // `ast`: expressions are interpreted, since the page's policy lets no text become code.
  const { view } = await vegaEmbed(host, specification, {
    actions: false, ast: true, defaultStyle: false, renderer: "svg", tooltip: false,
  });
  host.classList.add("live");
  // The chart as a whole is named by the page; the brush would be read out as a picture of its own.
  for (const mark of host.querySelectorAll("svg [role]")) {
    mark.removeAttribute("role");
    mark.removeAttribute("aria-roledescription");
  }
  view.addEventListener("click", (_, item) => {
    const link = item?.datum?.link;
    if (typeof link === "string" && link.startsWith("/drivers/")) location.assign(link);
  });
}

function drawAll() {
  return Promise.all([...document.querySelectorAll("[data-specification]")].map(draw));
}

drawAll();
let width = innerWidth;
addEventListener("resize", lodashDebounce(() => {
  if (innerWidth !== width) drawAll();
  width = innerWidth;
}, 150));
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
