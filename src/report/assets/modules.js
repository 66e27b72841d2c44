// Vega comes as modules that ask for each other by name. This gives each what it asks for and joins them as the
// library's own entry file does.
const vega = (() => {
  const loaded = {};
  const need = (name) => {
    if (!(name in loaded)) {
      const module = { exports: {} };
      loaded[name] = module.exports;
      vegaModules[name](module.exports, module, need);
      loaded[name] = module.exports;
    }
    return loaded[name];
  };
  const transforms = need("vega-dataflow").transforms;
  for (const name of ["vega-transforms", "vega-view-transforms", "vega-encode", "vega-label"]) {
    Object.assign(transforms, need(name));
  }
  return { parse: need("vega-parser").parse, View: need("vega-view").View };
})();
